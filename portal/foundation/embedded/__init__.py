"""Private PostgreSQL and Valkey servers, for `portal up` and the tests. Nothing listens on a network."""

from portal.foundation.embedded.postgres import Profile
from portal.foundation.embedded.servers import EmbeddedServers, Endpoints

__all__ = ["EmbeddedServers", "Endpoints", "Profile"]
