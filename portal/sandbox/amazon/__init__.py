"""An Amazon seller account for trying things: Login with Amazon and the parts of the Selling Partner API that shops need."""
