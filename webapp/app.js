// Start: check the login, then draw the page of the URL.
import { render } from "preact";
import { html } from "./html.js";
import { Shell } from "./panels/shell.js";
import "./keys.js";
import { checkLogin } from "./state.js";

render(html`<${Shell} />`, document.body);
void checkLogin();
