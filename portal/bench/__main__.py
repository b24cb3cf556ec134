"""`python -m portal.bench` is `portal bench`."""

from portal.bench.cli import command

command()
