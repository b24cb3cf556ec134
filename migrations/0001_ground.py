from tortoise.migrations.migration import Migration as Base
from tortoise.migrations.operations import RunSQL

from . import sql


class Migration(Base):
    dependencies = []
    operations = [RunSQL(sql("0001_ground"))]
