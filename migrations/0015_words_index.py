from tortoise.migrations.migration import Migration as Base
from tortoise.migrations.operations import RunSQL

from . import one_by_one


class Migration(Base):
    dependencies = [("portal", "0011_reads")]
    atomic = False  # CONCURRENTLY works in no transaction
    operations = [RunSQL(one_by_one("0015_words_index"))]
