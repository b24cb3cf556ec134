from tortoise.migrations.migration import Migration as Base
from tortoise.migrations.operations import RunSQL

from . import sql


class Migration(Base):
    # Not of 0006 and 0007: they were made at the same time, and none needs another.
    dependencies = [("portal", "0005_fees"), ("portal", "0005_proof")]
    operations = [RunSQL(sql("0008_picture"))]
