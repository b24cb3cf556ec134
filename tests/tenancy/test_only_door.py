"""`tenancy/scope.py` is the only door to tenant rows: the syntax tree of every other module is read to keep it so."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

POOLS = {
    "portal/tenancy/scope.py": "the door itself",
    "portal/foundation/database.py": "makes the pool",
    "portal/foundation/migrate.py": "runs as the owner, before there are tenants",
    "portal/foundation/roles.py": "looks at roles, not rows",
}
"""Modules that may touch connections, each with why. Others are listed by what they touch no tenant row with."""

ASIDE = {
    "portal/foundation/embedded/folders.py": "a file lock's acquire",
    "portal/foundation/embedded/postgres.py": "waits for its own server to answer",
    "portal/ops/doctor.py": "asks the server about itself; rows go through scopes",
    "portal/ops/migrations.py": "which migrations ran: a table without tenants",
    "portal/ops/record.py": "a file lock's acquire",
    "portal/bench/cached_tile.py": "measures the floor beside the portal",
    "portal/bench/syncs.py": "measures the floor beside the portal",
    "portal/bench/uncached_tile.py": "measures the floor beside the portal",
    "portal/bench/webhooks.py": "measures the floor beside the portal",
    "portal/sync/worker.py": "pgqueuer's own tables, which hold no tenant's data but ids",
}
"""What is suspect elsewhere, file by file: a new one is looked at before it stands here."""
SUSPECT = {
    "acquire",
    "pool",
    "in_transaction",
    "atomic",
    "connect_once",
    "create_pool",
    "get_connections",
    "connection_for",
}


def opened_doors(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Calls that get a connection or open a transaction of their own."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in SUSPECT:
            yield node.lineno, name
        elif (
            name == "connect"
            and isinstance(node.func, ast.Attribute)
            and getattr(node.func.value, "id", "") == "asyncpg"
        ):
            yield node.lineno, "asyncpg.connect"


def bare_models(tree: ast.AST, models: set[str]) -> Iterator[tuple[int, str]]:
    """Model queries that do not end in `.using_db(scope.orm)`: they would take a connection without a tenant."""
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "using_db":
            inside.update(ast.walk(node.func.value))
        if isinstance(node, ast.Call) and any(word.arg == "using_db" for word in node.keywords):
            inside.update(ast.walk(node))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in models
            and node.attr in {"filter", "all", "get", "get_or_none", "create", "first", "exclude", "bulk_create", "raw"}
            and node not in inside
        ):
            yield node.lineno, f"{node.value.id}.{node.attr}"


def modules() -> list[Path]:
    return sorted((ROOT / "portal").rglob("*.py"))


def model_names() -> set[str]:
    names = set()
    for path in modules():
        if path.name == "models.py":
            names |= {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)}
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_gets_at_tenant_rows(path: Path) -> None:
    relative = str(path.relative_to(ROOT))
    tree = ast.parse(path.read_text())
    found = list(bare_models(tree, model_names()))
    if relative not in POOLS and relative not in ASIDE:
        found += opened_doors(tree)
    assert not found, f"{relative} goes past tenancy.scope at {found}; open a scope and use its connection"


def test_the_test_itself_sees_what_it_should() -> None:
    bad = "async def f(db):\n    async with db.pool().acquire() as c: ...\n    await User.filter(id=1)\n"
    tree = ast.parse(bad)
    assert {name for _, name in opened_doors(tree)} == {"pool", "acquire"}
    assert [name for _, name in bare_models(tree, {"User"})] == ["User.filter"]
    good = ast.parse("async def f(scope):\n    return await User.filter(id=1).using_db(scope.orm)\n")
    assert not list(bare_models(good, {"User"}))


def test_every_exception_names_a_module_that_is_there() -> None:
    for name in (*POOLS, *ASIDE):
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize("name", ASIDE)
def test_an_exception_that_is_no_longer_needed_is_taken_back(name: str) -> None:
    assert list(opened_doors(ast.parse((ROOT / name).read_text())))
