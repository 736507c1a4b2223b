"""The browser's and the programs' door: REST, SSE, WebSocket, pages. Reaches the plant through `client` only."""
