// The pod's open terminals: which there are, and what may be done with them (docs/terminal.md).

export class Sessions {
  constructor(panel, { address, pod, choose }) {
    this.panel = panel;
    this.texts = panel.dataset;
    this.list = panel.querySelector("[data-sessions-list]");
    this.note = panel.querySelector("[data-sessions-note]");
    this.address = address;
    this.pod = pod;
    this.choose = choose;
  }

  async call(path, options = {}) {
    const headers = { Accept: "application/json", "Accept-Language": document.documentElement.lang };
    if (options.method) headers["X-CSRFToken"] = document.querySelector("[name=csrfmiddlewaretoken]").value;
    if (options.body) headers["Content-Type"] = "application/json";
    const response = await fetch(this.address + path, { ...options, headers });
    const body = await response.json();
    if (!body.success) throw new Error(body.message);
    return body.data;
  }

  // Of this pod, the newest first; none when the platform does not answer.
  async find() {
    try {
      return (await this.call("")).sessions.filter((session) => session.podName === this.pod);
    } catch {
      return [];
    }
  }

  allowWatching(session, watchable) {
    return this.call(`/${encodeURIComponent(session)}`, { method: "PATCH", body: JSON.stringify({ watchable }) });
  }

  async show(current, { focus = true } = {}) {
    this.current = current;
    const sessions = await this.find();
    this.list.replaceChildren(...sessions.map((session) => this.row(session)));
    this.note.textContent = sessions.length ? "" : this.texts.none;
    this.panel.hidden = false;
    if (focus) this.panel.querySelector("button").focus();
    return sessions.length;
  }

  hide() {
    this.panel.hidden = true;
  }

  row(session) {
    const row = document.createElement("li");
    const name = document.createElement("bdi");
    name.textContent = session.mine ? this.texts.yours : session.user;
    const about = document.createElement("span");
    about.className = "soft";
    about.textContent = ` · ${this.about(session)}`;
    const text = document.createElement("span");
    text.append(name, about);
    row.append(text, ...this.actions(session));
    return row;
  }

  about(session) {
    const clock = (time) => new Date(time).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", timeZone: document.documentElement.dataset.timeZone });
    const state = session.sessionId === this.current ? this.texts.here : session.attached ? this.texts.elsewhere : this.texts.waits.replace("%s", clock(session.closesAt));
    return `${this.texts.since.replace("%s", clock(session.startedAt))} · ${state}`;
  }

  actions(session) {
    const here = session.sessionId === this.current;
    const offered = [];
    if (session.mayAttach && !here) offered.push([session.attached ? this.texts.take : this.texts.back, () => this.choose({ session: session.sessionId })]);
    if (session.mayWatch && !session.mine) offered.push([this.texts.watch, () => this.choose({ session: session.sessionId, watch: true })]);
    if (session.mayEnd) offered.push([this.texts.end, () => this.end(session)]);
    return offered.map(([label, act]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button is-small";
      button.textContent = label;
      button.addEventListener("click", act);
      return button;
    });
  }

  async end(session) {
    try {
      await this.call(`/${encodeURIComponent(session.sessionId)}`, { method: "DELETE" });
      this.note.textContent = this.texts.ending;
    } catch (error) {
      this.note.textContent = error.message;
    }
  }
}
