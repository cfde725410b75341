"""What authors of tasks use: registering handlers, their context, their errors."""
