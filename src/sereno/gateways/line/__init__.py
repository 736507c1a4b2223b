"""The line server: questions and answers by lines over TCP, for netcat and small programs."""
