"""The public documentation: the OpenAPI document, its page, the metrics and each platform's help."""

from __future__ import annotations

import re
from uuid import UUID

from portal.commerce.metrics import METRICS
from portal.connectors import registry
from portal.dashboard.registry import tiles
from tests.conftest import SignIn
from tests.visitors import Visitor


async def test_the_document_names_every_tile_and_how_to_sign_in(client: Visitor) -> None:
    answer = await client.get("/openapi.json")
    assert "public" in answer.headers["Cache-Control"]
    body = answer.json()
    assert body["openapi"].startswith("3.1")
    for tile in tiles():
        operation = body["paths"][tile.path]["get"]
        assert operation["responses"]["200"]["content"]["application/json"]["example"] == tile.example
        assert {"400", "401", "403", "429", "503"} <= set(operation["responses"])
    assert body["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for path in (
        "/api/auth/token",
        "/api/superadmin/api-platforms",
        "/api/superadmin/test-api-connection",
        "/api/superadmin/clients/api-integration",
    ):
        assert path in body["paths"]


async def test_the_parameters_of_a_tile_are_described_with_their_values(client: Visitor) -> None:
    body = (await client.get("/openapi.json")).json()
    parameters = body["paths"]["/api/v1/dashboard/inventory-alerts"]["get"]["parameters"]
    severity, limit, store = parameters
    assert (severity["name"], store["name"]) == ("severity", "store")
    assert set(re.findall(r"critical|high|medium|low", str(severity["schema"]))) == {
        "critical",
        "high",
        "medium",
        "low",
    }
    assert limit["schema"]["default"] == 50
    assert limit["schema"]["maximum"] == 500


async def test_swagger_loads_nothing_from_elsewhere_and_no_inline_script(client: Visitor) -> None:
    for path in ("/swagger", "/swagger/"):
        answer = await client.page(path)
        assert answer.status == 200
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", answer.text)
        assert not re.search(r"<script(?![^>]* src=)", answer.text)
        for asset in re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text):
            assert (await client.get(asset)).status == 200, asset


async def test_every_metric_is_published_with_its_formula(client: Visitor) -> None:
    answer = await client.page("/docs/metrics")
    assert answer.status == 200
    for metric in METRICS.values():
        section = re.search(rf'<section[^>]* id="{metric.name}".*?</section>', answer.text, re.S)
        assert section, metric.name
        assert metric.label in section[0]
        assert metric.source in section[0]
        for tile in tiles():
            assert (tile.title in section[0]) == (metric.name in tile.metrics), (metric.name, tile.slug)


async def test_every_platform_has_a_help_page(org: UUID, sign_in: SignIn) -> None:
    visitor = await sign_in("member", org)
    for manifest in registry.manifests():
        answer = await visitor.page(manifest.docs_url)
        assert answer.status == 200
        for field in manifest.fields:
            assert field.label in answer.text
    assert (await visitor.page("/docs/connectors/nothing")).status == 404
