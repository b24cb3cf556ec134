"""The agency's front room: bringing clients on board and watching their connections."""
