from tortoise.migrations.migration import Migration as Base
from tortoise.migrations.operations import RunSQL

from . import sql


class Migration(Base):
    dependencies = [("portal", "0012_restated_once")]
    operations = [RunSQL(sql("0013_details"))]
