"""Running the portal: supervised processes, the demo, the doctor, health and metrics routes."""
