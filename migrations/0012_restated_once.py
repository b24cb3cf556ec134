from tortoise.migrations.migration import Migration as Base
from tortoise.migrations.operations import RunSQL

from . import sql


class Migration(Base):
    dependencies = [("portal", "0005_fees"), ("portal", "0005_proof")]
    operations = [RunSQL(sql("0012_restated_once"))]
