"""Programs around bench_sensor: the load in C, and the same server in other forms."""
