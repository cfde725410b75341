// Keeps a page as it would be if it were loaded now, for as long as it is looked at. The server tells by
// server-sent events that it may have changed; then it is fetched, and what differs is put in its place. What
// somebody types, opens or has the cursor in is left alone. Without this script the page is the same, once.
"use strict";

(() => {
  const main = document.querySelector("main[data-live]");
  const told = document.getElementById("live");
  if (!main || !window.EventSource) return;

  const AGAIN = 30000; // milliseconds until it is tried again where the server has refused
  const opened = new Map(); // what a person has opened or closed, by its key
  let source = null, later = 0, fetching = false, due = null;

  const say = (text) => { if (told.textContent !== text) told.textContent = text; };

  function listen() {
    clearTimeout(later);
    if (source || document.hidden) return;
    source = new EventSource(main.dataset.live + "?of=" + encodeURIComponent(location.pathname + location.search));
    source.addEventListener("change", (event) => refresh(event.data));
    source.onerror = () => {
      if (!source) return;
      say("not live");
      if (source.readyState === EventSource.CLOSED) { hush(); later = setTimeout(listen, AGAIN); }
    };
  }

  function hush() {
    if (source) source.close();
    source = null;
  }

  function stop(words) {
    hush();
    say(words);
    document.removeEventListener("visibilitychange", look);
  }

  function look() { if (document.hidden) { hush(); clearTimeout(later); } else listen(); }

  async function refresh(stream) {
    due = stream;
    if (fetching) return;
    fetching = true;
    try {
      while (due) {
        const asked = due;
        due = null;
        await put(asked);
      }
    } catch { say("not live"); } finally { fetching = false; }
  }

  async function put(stream) {
    const answer = await fetch(location.pathname + location.search,
      { headers: { "Onceflow-Stream": stream }, cache: "no-store", redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403 || answer.status === 404) {
      stop("reload this page");
      return;
    }
    if (!answer.ok) { say("not live"); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main");
    if (!fresh) return;
    blend(main, fresh);
    const now = document.querySelector("header time"), then = page.querySelector("header time");
    if (now && then) blend(now, then);
    document.dispatchEvent(new Event("onceflow:changed"));
    if (fresh.dataset.live === undefined) stop(""); // what it shows has ended
    else if (source) say("live");
  }

  // Whether a person is at work in a part of the page.
  function busy(part) {
    if (part.nodeType !== Node.ELEMENT_NODE) return false;
    if (document.activeElement !== document.body && part.contains(document.activeElement)
        && document.activeElement.matches("input, textarea, select")) return true;
    for (const field of part.matches("input, textarea, select") ? [part] : part.querySelectorAll("input, textarea, select")) {
      if (field.type === "hidden") continue;
      if (field.type === "checkbox" ? field.checked !== field.defaultChecked
        : field.tagName === "SELECT" ? [...field.options].some((one) => one.selected !== one.defaultSelected)
          && field.selectedIndex !== 0 : field.value !== field.defaultValue) return true;
    }
    return false;
  }

  const keyOf = (node) => node.nodeType !== Node.ELEMENT_NODE ? ""
    : node.id || node.dataset.key || (node.nodeName === "FORM" && node.getAttribute("action")) || "";
  const alike = (old, fresh) => old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && keyOf(old) === keyOf(fresh);

  // Makes an element like another, and changes nothing that is alike already.
  function blend(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    if (old.hasAttribute("data-drawn")) return; // a script draws in it, from what stands elsewhere on the page
    const key = keyOf(old), byHand = old.nodeName === "DETAILS" && opened.has(key || old);
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !(byHand && name === "open")) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && !(byHand && name === "open")) old.setAttribute(name, value);
    }
    if (old.matches("textarea, select") && busy(old)) return;
    blendInside(old, fresh);
  }

  function blendInside(old, fresh) {
    const keyed = new Map();
    for (const one of old.children) if (keyOf(one) && !keyed.has(keyOf(one))) keyed.set(keyOf(one), one);
    let at = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const known = keyed.get(keyOf(next));
      if (known && known.nodeName === next.nodeName) {
        keyed.delete(keyOf(next));
        if (known === at) at = at.nextSibling; else old.insertBefore(known, at);
        blend(known, next);
      } else if (at && alike(at, next)) {
        const here = at;
        at = at.nextSibling;
        blend(here, next);
      } else {
        old.insertBefore(document.importNode(next, true), at);
      }
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      if (!busy(gone)) gone.remove();
    }
  }

  main.addEventListener("click", (event) => {
    const details = event.target.closest("summary")?.parentElement;
    if (details?.nodeName === "DETAILS") opened.set(keyOf(details) || details, true);
  });
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pagehide", hush);
  window.addEventListener("pageshow", look);
  look();
})();
