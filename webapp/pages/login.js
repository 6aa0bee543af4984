// Log in with the host's token or a personal one.
import { useState } from "preact/hooks";
import { html } from "../html.js";
import { logIn } from "../state.js";
import { plain } from "../text.js";
import { useAction, useTitle } from "../use.js";

export function LogIn() {
  useTitle("Log in");
  const [token, setToken] = useState("");
  const { busy, error, run } = useAction(() => logIn(token.trim()));
  /** @param {Event} event */
  const onSubmit = (event) => {
    event.preventDefault();
    void run();
  };
  return html`<main class="entry">
    <form class="form login" onSubmit=${onSubmit}>
      <h1><img src="/app/icon.svg" alt="" width="36" height="36" />floe</h1>
      <div class=${error ? "field is-wrong" : "field"}>
        <label for="token">Token</label>
        <input id="token" name="token" type="password" autocomplete="current-password" required autofocus value=${token}
          aria-describedby="token-message" onInput=${(/** @type {any} */ event) =>
            setToken(event.currentTarget.value)} />
        <p class="field-message" id="token-message" role="alert">${
          error &&
          (error.status === 401
            ? "This host refuses the token. Did you copy all of it?"
            : `${plain(error.message)} ${plain(error.hint)}`)
        }</p>
      </div>
      <button class="is-main" aria-disabled=${busy}>Log in</button>
      <p class="faint">The admin token of this host, or a personal one made from it. Unless the host was started
      with -admin, its token is in the file admin-token of its root.</p>
    </form>
  </main>`;
}
