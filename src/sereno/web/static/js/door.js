/** Pages for who is not signed in: no live values, no catalogue. */

import "./menu.js";
