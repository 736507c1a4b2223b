"""The SQL engine, its schema and migrations: people, sessions, tokens, intents, audit. Never samples."""
