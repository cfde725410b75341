"""How the tasks of a worker's queues come to it."""
