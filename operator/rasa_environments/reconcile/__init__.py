"""The order of steps, per resource, and the queue that works them off."""
