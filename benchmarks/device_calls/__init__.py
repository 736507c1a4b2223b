"""What `bench_device` compares: each module serves `size` numbers and one array, and asks for them."""
