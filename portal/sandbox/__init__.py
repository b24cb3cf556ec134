"""The sandbox: stores to demonstrate, test and measure the portal against, over real HTTP.

`Sandbox` serves the stores of some `SandboxStoreSpec`; `portal.sandbox.cli:command` is `portal sandbox`.
"""

from portal.sandbox.server import Sandbox, serve
from portal.sandbox.spec import SandboxStoreSpec, WebhookSpec

__all__ = ["Sandbox", "SandboxStoreSpec", "WebhookSpec", "serve"]
