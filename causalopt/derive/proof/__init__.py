"""What decides a step: routes to zero, conditions, eliminations, limits, and the worker process."""
