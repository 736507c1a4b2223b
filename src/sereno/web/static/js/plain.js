/** Pages without live values of their own. */

import "./shell.js";
