"""The only way out to the world: guarded, bounded, patient, and silent about secrets."""

from portal.foundation.outbound.budget import Budget
from portal.foundation.outbound.client import OutboundClient
from portal.foundation.outbound.replies import Reply, StreamReply
from portal.foundation.outbound.retry import RetryPolicy, retry_after_seconds

__all__ = [
    "Budget",
    "OutboundClient",
    "Reply",
    "RetryPolicy",
    "StreamReply",
    "retry_after_seconds",
]
