"""Jobs over HTTP: trainings and imports."""
