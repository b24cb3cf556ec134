from tortoise.migrations.migration import Migration as Base
from tortoise.migrations.operations import RunSQL

from . import sql


class Migration(Base):
    # Not of 0004: neither needs the other, and they were made at the same time.
    dependencies = [("portal", "0003_commerce_views")]
    operations = [RunSQL(sql("0005_proof"))]
