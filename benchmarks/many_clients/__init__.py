"""The server and the crowd of `bench_clients`, each in processes of their own."""
