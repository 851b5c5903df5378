// What the instance is asked, and the stream on which it pushes.

// The page is at / and at /accounts/ID, possibly below a prefix that a proxy strips.
const base = (location.pathname.match(/^(.*?\/)(?:accounts\/[^/]+)?$/) || [null, "/"])[1];

async function ask(path) {
  const answer = await fetch(base + path);
  if (answer.status === 401) {
    await signIn();
    return ask(path);
  }
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(`${body.error}; ${body.hint}`), { status: answer.status, members: body.members || [], nearest: body.nearest || [] });
  return body;
}

let signingIn = null;
/** Asks for the token once, however many requests need it; the cookie that it is exchanged for is out of reach of scripts. */
function signIn() {
  signingIn ??= new Promise(done => {
    const dialog = id("token-dialog");
    dialog.addEventListener("cancel", event => event.preventDefault());
    id("token-form").addEventListener("submit", async event => {
      event.preventDefault();
      const answer = await fetch(base + "session", { headers: { authorization: "Bearer " + id("token").value.trim() } });
      if (!answer.ok) return say(id("token-error"), "The token is wrong.");
      id("token").value = "";
      dialog.close();
      signingIn = null;
      done();
    });
    dialog.showModal();
  });
  return signingIn;
}

/** Calls `heard` with the name and the data of each event; `lost` when there is no stream, and whenever it breaks. */
function listen(names, heard, lost) {
  const stream = new EventSource(base + "events");
  for (const name of names) stream.addEventListener(name, event => heard(name, JSON.parse(event.data)));
  stream.onerror = () => {
    lost();
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => listen(names, heard, lost), 5000);
  };
}
