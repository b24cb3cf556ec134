from tortoise.migrations.migration import Migration as Base
from tortoise.migrations.operations import RunSQL

from . import sql


class Migration(Base):
    dependencies = [("portal", "0008_picture")]
    operations = [RunSQL(sql("0011_reads"))]
