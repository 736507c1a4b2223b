"""What the benchmarks of scan timing share."""
