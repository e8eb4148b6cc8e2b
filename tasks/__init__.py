"""The thin seam: where the rooms meet. Plain steps, and in `tasks.steps` the same ones as Prefect tasks."""
