from tortoise.migrations.migration import Migration as Base
from tortoise.migrations.operations import RunSQL

from . import sql


class Migration(Base):
    dependencies = [("portal", "0006_runs")]
    operations = [RunSQL(sql("0016_asked_meanwhile"))]
