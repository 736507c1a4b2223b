"""The members of bench_fleet."""
