"""What operators observe: metrics, traces and the log of jobs."""
