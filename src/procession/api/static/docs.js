/* Shows the HTTP API as the server describes it, and lets people try it.

   Everything that comes from outside is put into the page as text, never as markup. Requests carry the access token alone,
   no cookie: what is tried here is done with the rights that one logged in with on this page. */

const DESCRIPTION = "/api/openapi.json";
const LOGIN = "/api/auth/login";
const KEPT = "procession.docs.credentials";
const METHODS = ["get", "post", "put", "patch", "delete", "head", "options"];
const DEEPEST = 8; // levels of a made-up example
const LONGEST_COLOURED = 150_000; // characters of an answer that are coloured
const LONGEST_SHOWN = 1_000_000; // characters of an answer that are shown

const byId = (id) => document.getElementById(id);

/* An element with attributes and children; text stays text. `on…` attributes are listeners. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/* For those who listen to the page. */
function say(text) {
  byId("said").textContent = text;
}

/* Paragraphs, with `code` between backticks. */
function rich(text) {
  return String(text ?? "").split(/\n\s*\n/).filter(Boolean).map((part) => h("p", null, inline(part)));
}

function inline(text) {
  return String(text ?? "").split("`").map((part, index) => (index % 2 ? h("code", null, part) : part.replace(/\s+/g, " ")));
}

/* -- The description ------------------------------------------------------------------------------------------------ */

let api = { paths: {} };

/* What a `$ref` stands for. A circle of references, or one that leads nowhere, is an empty object. */
function resolve(part) {
  let found = part;
  for (let turn = 0; turn < 20 && found?.$ref; turn++) {
    const steps = found.$ref.startsWith("#/") ? found.$ref.slice(2).split("/") : [null];
    found = steps.reduce((node, step) => (step === null ? undefined : node?.[decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~")]), api);
  }
  return found?.$ref ? {} : (found ?? {});
}

/* The calls in the order of the tags. */
function readCalls() {
  const calls = [];
  const used = new Set();
  for (const [path, item] of Object.entries(api.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item?.[method];
      if (!operation) continue;
      let id = operation.operationId ?? `${method}${path.replace(/\W+/g, "_")}`;
      while (used.has(id)) id += "_";
      used.add(id);
      const summary = operation.summary || path;
      const tag = operation.tags?.[0] ?? "other";
      const parameters = merged([...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve));
      const statuses = Object.keys(operation.responses ?? {});
      const built = statuses.some((status) => /^[23]|default/.test(status)) || !statuses.includes("501");
      const guarded = (operation.security ?? api.security ?? []).some((each) => Object.keys(each).length > 0);
      const open = !guarded && (path === LOGIN || !statuses.includes("401")); // some check for themselves
      const words = [method, path, summary, id, tag, operation.description].join(" ").toLowerCase();
      calls.push({ id, path, method, operation, summary, tag, parameters, built, open, words });
    }
  }
  return calls;
}

function merged(parameters) {
  return [...new Map(parameters.map((each) => [`${each.in} ${each.name}`, each])).values()];
}

function byTag(calls) {
  const groups = new Map((api.tags ?? []).map((tag) => [tag.name, { name: tag.name, description: tag.description, calls: [] }]));
  for (const call of calls) {
    if (!groups.has(call.tag)) groups.set(call.tag, { name: call.tag, calls: [] });
    groups.get(call.tag).calls.push(call);
  }
  return [...groups.values()].filter((group) => group.calls.length);
}

/* -- Schemas -------------------------------------------------------------------------------------------------------- */

const nameOf = (schema) => schema?.$ref?.split("/").pop();
const branches = (schema) => schema.anyOf ?? schema.oneOf;
const isNull = (schema) => resolve(schema).type === "null";

/* `allOf` as one schema. */
function flat(schema) {
  const found = resolve(schema);
  if (!found.allOf) return found;
  const parts = [...found.allOf.map(flat), { ...found, allOf: undefined }];
  const given = (each) => Object.fromEntries(Object.entries(each).filter(([, value]) => value !== undefined));
  return parts.reduce((whole, part) => ({
    ...whole,
    ...given(part),
    properties: { ...whole.properties, ...part.properties },
    required: [...(whole.required ?? []), ...(part.required ?? [])],
  }), {});
}

function typeText(schema) {
  if (schema === true || schema === undefined) return "anything";
  const found = flat(schema);
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.enum) return found.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (branches(found)) return branches(found).map(typeText).join(" or ");
  const types = [found.type ?? (found.properties ? "object" : found.items ? "array" : [])].flat();
  if (types.length === 0) return nameOf(schema) ?? "anything";
  return types.map((type) => {
    if (type === "array") return found.items && found.items !== true ? `list of ${typeText(found.items)}` : "list";
    if (type === "object") return nameOf(schema) ?? (hasValues(found) ? `object of ${typeText(found.additionalProperties)}` : "object");
    return found.format ? `${type} (${found.format})` : type;
  }).join(" or ");
}

const hasValues = (schema) => typeof schema.additionalProperties === "object" && Object.keys(schema.additionalProperties).length > 0;

function limits(schema) {
  const found = flat(schema);
  const said = [];
  if (found.default !== undefined) said.push(`default ${JSON.stringify(found.default)}`);
  const [least, most] = [found.minimum ?? found.exclusiveMinimum, found.maximum ?? found.exclusiveMaximum];
  if (least !== undefined && most !== undefined) said.push(`${least} to ${most}`);
  else if (least !== undefined) said.push(`at least ${least}`);
  else if (most !== undefined) said.push(`at most ${most}`);
  if (found.maxLength !== undefined) said.push(`${found.minLength ?? 0} to ${found.maxLength} characters`);
  if (found.maxItems !== undefined) said.push(`at most ${found.maxItems} items`);
  if (found.pattern) said.push(`pattern ${found.pattern}`);
  if (found.contentMediaType) said.push(found.contentMediaType);
  if (found.deprecated) said.push("deprecated");
  if (found.readOnly) said.push("read only");
  return said.join(", ");
}

/* The fields of a schema, as a list; null where it has none. `sent`: they are what one sends, not what one gets.
   `above` are the names of the schemas that it is inside of. */
function fields(schema, sent, above = []) {
  const found = flat(schema);
  const name = nameOf(schema);
  if (name && above.includes(name)) return h("p", { class: "small dim" }, `The same as ${name} above.`);
  const inside = name ? [...above, name] : above;
  const choices = branches(found)?.filter((each) => !isNull(each));
  if (choices) {
    const shown = choices.map((each) => [typeText(each), fields(each, sent, inside)]).filter(([, list]) => list);
    if (shown.length === 0) return null;
    if (shown.length === 1) return shown[0][1];
    return h("div", { class: "either" }, shown.map(([type, list]) => [h("p", null, `Either ${type}:`), list]));
  }
  if (found.items && found.items !== true) return fields(found.items, sent, inside);
  const rows = Object.entries(found.properties ?? {}).map(([field, what]) => row(field, what, { sent, above: inside, required: found.required?.includes(field) }));
  if (hasValues(found)) {
    const inner = fields(found.additionalProperties, sent, inside);
    if (rows.length === 0 && !inner) return null;
    rows.push(row("any name", found.additionalProperties, { sent, above: inside }));
  }
  return rows.length ? h("ul", { class: "fields" }, rows) : null;
}

function row(name, schema, { sent = false, above = [], required = false, where = "", description = undefined }) {
  const found = flat(schema);
  const inner = fields(schema, sent, above);
  const said = limits(schema);
  const examples = (schema?.examples ?? found.examples ?? []).filter((each) => typeof each !== "object");
  const text = description ?? schema?.description ?? (inner ? undefined : found.description);
  return h("li", null,
    h("div", { class: "head" },
      h("code", { class: "name" }, name),
      h("span", { class: "type" }, typeText(schema), where && ` · ${where}`),
      sent && required ? h("span", { class: "must" }, "required") : null,
      said ? h("span", { class: "limits" }, said) : null),
    rich(text),
    examples.length ? h("p", { class: "small dim" }, "For example ", h("code", null, String(examples[0]))) : null,
    inner ? h("details", { class: "inner" }, h("summary", null, `Fields of ${name}`), rich(found.description), inner) : null);
}

/* A value that fits a schema: its own example, or one made up. */
function example(schema, depth = 0) {
  const found = flat(schema);
  if (found.examples?.length) return found.examples[0];
  if (found.example !== undefined) return found.example;
  if (found.const !== undefined) return found.const;
  if (found.default !== undefined) return found.default;
  if (found.enum) return found.enum[0];
  if (depth > DEEPEST) return null;
  if (branches(found)) return example(branches(found).find((each) => !isNull(each)) ?? {}, depth + 1);
  const type = [found.type].flat()[0] ?? (found.properties ? "object" : "string");
  if (type === "object") {
    const wanted = Object.entries(found.properties ?? {}).filter(([name, what]) => depth < 3 || found.required?.includes(name) || typeof flat(what).type === "string");
    return Object.fromEntries(wanted.map(([name, what]) => [name, example(what, depth + 1)]));
  }
  if (type === "array") return found.items && found.items !== true ? [example(found.items, depth + 1)] : [];
  if (type === "integer" || type === "number") return found.minimum ?? 0;
  if (type === "boolean") return false;
  if (type === "null") return null;
  return found.format === "date-time" ? "2030-01-31T12:00:00.000000Z" : "";
}

function exampleOf(media) {
  if (media.example !== undefined) return media.example;
  const first = Object.values(media.examples ?? {})[0];
  return first ? resolve(first).value : example(media.schema ?? {});
}

const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
const isJson = (type) => /[/+]json\b/i.test(type ?? "");

/* -- JSON as it came: indented and coloured, but with every number just as it was written -------------------------------- */

const PIECES = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

function tokens(text) {
  const pieces = text.match(PIECES) ?? [];
  const result = [];
  let depth = 0;
  const line = () => result.push(["", "\n" + "  ".repeat(depth)]);
  pieces.forEach((piece, index) => {
    const [before, after] = [pieces[index - 1], pieces[index + 1]];
    if (piece === "{" || piece === "[") {
      result.push(["", piece]);
      depth += 1;
      if (after !== "}" && after !== "]") line();
    } else if (piece === "}" || piece === "]") {
      depth -= 1;
      if (before !== "{" && before !== "[") line();
      result.push(["", piece]);
    } else if (piece === ",") {
      result.push(["", piece]);
      line();
    } else if (piece === ":") {
      result.push(["", ": "]);
    } else if (piece[0] === '"') {
      result.push([after === ":" ? "key" : "string", piece]);
    } else {
      result.push([/^[-\d]/.test(piece) ? "number" : "word", piece]);
    }
  });
  return result;
}

function block(text, type = "application/json") {
  let shown = text;
  if (isJson(type)) {
    try {
      JSON.parse(text);
      const parts = tokens(text);
      if (text.length <= LONGEST_COLOURED) {
        return h("pre", { tabindex: "0" }, h("code", { class: "json" }, parts.map(([kind, part]) => (kind ? h("span", { class: kind }, part) : part))));
      }
      shown = parts.map(([, part]) => part).join("");
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error; // no JSON after all: shown as it came
    }
  }
  const cut = shown.length > LONGEST_SHOWN;
  return h("div", null,
    h("pre", { tabindex: "0", class: "wrap" }, shown.slice(0, LONGEST_SHOWN)),
    cut ? h("p", { class: "note dim" }, `The first ${LONGEST_SHOWN.toLocaleString("en")} of ${shown.length.toLocaleString("en")} characters. “Copy” takes all.`) : null);
}

function copyButton(text, what) {
  const button = h("button", { type: "button", class: "quiet", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed here: select and copy"; // no https, or the browser's own settings
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return button;
}

/* -- Who one is ----------------------------------------------------------------------------------------------------- */

let credentials = null; // {name, token, until}
const watchers = new Set(); // told when one logs in or out

function remember(found) {
  credentials = found;
  try {
    if (found) sessionStorage.setItem(KEPT, JSON.stringify(found));
    else sessionStorage.removeItem(KEPT);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // storage is switched off: kept for as long as the page is
  }
  byId("who").textContent = found ? found.name : "Not logged in";
  byId("session").textContent = found ? "Log out" : "Log in";
  for (const tell of watchers) tell();
}

function recall() {
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  } catch (error) {
    if (!(error instanceof DOMException || error instanceof SyntaxError)) throw error; // nothing kept that can be used
  }
  remember(kept && typeof kept.token === "string" && kept.until > Date.now() ? kept : null);
}

/* Take the token of an answer to a log-in. */
function accept(name, answer) {
  remember({ name, token: answer.access_token, until: Date.now() + (answer.expires_in ?? 3600) * 1000 });
}

function logIn() {
  byId("login-wrong").textContent = "";
  byId("login").showModal();
  byId(byId("login-name").value ? "login-password" : "login-name").focus();
}

async function logInWith(event) {
  event.preventDefault();
  const [name, password] = [byId("login-name").value, byId("login-password").value];
  const [go, wrong] = [byId("login-go"), byId("login-wrong")];
  go.disabled = true;
  wrong.textContent = "";
  try {
    const answer = await fetch(LOGIN, {
      method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ username: name, password }),
    });
    const said = await answer.json();
    if (answer.ok && said.access_token) {
      accept(name, said);
      byId("login-password").value = "";
      byId("login").close();
      if (document.activeElement === document.body) byId("session").focus(); // the button that was pressed is gone
    } else {
      const again = answer.headers.get("retry-after");
      wrong.textContent = `${said.detail || said.title || `The server answered ${answer.status}.`}${again ? ` Try again in ${again} s.` : ""}`;
      byId("login-password").select();
    }
  } catch (error) {
    wrong.textContent = error instanceof SyntaxError ? "The server's answer cannot be read." : "The server does not answer. Is it running?";
  } finally {
    go.disabled = false;
  }
}

/* -- Trying a call ---------------------------------------------------------------------------------------------------- */

class Unfit extends Error { // what was filled in cannot be sent
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}

const typed = new Map(); // values of path parameters, so that an id is typed once

let fieldCount = 0;

/* A control with its label. */
function control(label, input, { must = false, hint = "" } = {}) {
  input.id ||= `field-${++fieldCount}`;
  return h("div", { class: "row" },
    h("label", { for: input.id }, h("code", { class: "name" }, label), must ? h("span", { class: "must" }, " required") : null, hint ? h("span", { class: "dim" }, ` ${hint}`) : null),
    input);
}

function choice(values, empty) {
  return h("select", null, [...(empty ? [""] : []), ...values].map((value) => h("option", { value }, value === "" ? "–" : value)));
}

function parameterInput(parameter) {
  const schema = flat(parameter.schema ?? {});
  const kinds = (branches(schema) ?? [schema]).map(flat);
  const listed = kinds.find((kind) => kind.enum)?.enum;
  let input;
  if (listed) input = choice(listed.map(String), !parameter.required);
  else if (kinds.some((kind) => kind.type === "boolean")) input = choice(["true", "false"], true);
  else input = h("input", { autocomplete: "off", autocapitalize: "none", spellcheck: "false", inputmode: kinds.some((kind) => kind.type === "integer") ? "numeric" : null });
  const given = parameter.example ?? schema.examples?.[0];
  if (given !== undefined) input.value = String(given);
  else if (schema.default !== undefined && schema.default !== null && input.tagName === "INPUT") input.placeholder = String(schema.default);
  if (parameter.required) input.required = true;
  return input;
}

/* The editor of a body, by content type. `build` gives the body to send, its headers, and what curl needs to send the same. */
function bodyEditor(call) {
  const body = resolve(call.operation.requestBody);
  const types = Object.keys(body.content ?? {});
  if (types.length === 0) return null;
  const place = h("div");
  const made = new Map();
  let current;
  const take = (type) => {
    if (!made.has(type)) made.set(type, editorOf(type, body.content[type], body.required, call));
    current = made.get(type);
    place.replaceChildren(current.element);
  };
  const select = choice(types, false);
  select.addEventListener("change", () => take(select.value));
  take(types[0]);
  return {
    element: h("div", null, types.length > 1 ? control("Content-Type", select) : null, place),
    build: (showing) => current.build(showing),
  };
}

function editorOf(type, media, required, call) {
  if (type === "multipart/form-data") return formEditor(media);
  const schema = flat(media.schema ?? {});
  const text = isJson(type) || /xml|text/.test(type);
  return text ? textEditor(type, media, required, call) : fileEditor(type, schema);
}

function textEditor(type, media, required, call) {
  const json = isJson(type);
  const initial = json ? pretty(exampleOf(media)) : "";
  const note = h("p", { class: "note wrong", id: `note-${++fieldCount}`, role: "status" });
  const area = h("textarea", { id: `field-${++fieldCount}`, spellcheck: "false", autocapitalize: "none", "aria-describedby": note.id, rows: String(Math.min(18, Math.max(4, initial.split("\n").length + 1))) });
  area.value = initial;
  const fault = () => {
    if (!json || (area.value.trim() === "" && !required)) return "";
    try {
      JSON.parse(area.value);
      return "";
    } catch (error) {
      return area.value.trim() === "" ? "The body is missing." : `Not JSON: ${error.message}`;
    }
  };
  const check = () => {
    note.textContent = fault();
    area.setAttribute("aria-invalid", String(note.textContent !== ""));
  };
  area.addEventListener("input", check);
  const reset = h("button", { type: "button", class: "quiet", onclick: () => { area.value = initial; area.dispatchEvent(new Event("input", { bubbles: true })); } }, json ? "Example" : "Clear");
  let taken = null; // the file that the text was taken from
  const file = json ? null : h("input", { type: "file", onchange: async () => {
    if (file.files[0]) {
      taken = { name: file.files[0].name, text: await file.files[0].text() };
      area.value = taken.text;
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
  } });
  return {
    element: h("div", { class: "row" },
      h("div", { class: "between" }, h("label", { for: area.id }, "Body", h("span", { class: "dim" }, ` ${type}${required ? "" : ", may be empty"}`)), reset),
      area, note, file ? control("from a file", file) : null),
    build: (showing) => {
      const wrong = fault();
      if (!json && required && area.value === "") {
        if (!showing) throw new Unfit("The body is missing.", area);
        return { headers: { "Content-Type": type }, curl: ["--data-binary @FILE"] };
      }
      if (wrong) throw new Unfit(wrong, area);
      if (area.value.trim() === "") return { headers: {}, curl: [] };
      return { body: area.value, headers: { "Content-Type": type }, curl: [area.value === taken?.text ? `--data-binary ${quoted(`@${taken.name}`)}` : `--data-raw ${quoted(area.value)}`] };
    },
  };
}

function fileEditor(type, schema) {
  const input = h("input", { type: "file" });
  return {
    element: control("File", input, { must: true, hint: schema.contentMediaType ?? type }),
    build: (showing) => {
      const file = input.files[0];
      if (!file && !showing) throw new Unfit("Choose a file.", input);
      return { body: file, headers: { "Content-Type": type }, curl: [`--data-binary ${quoted(`@${file?.name ?? "FILE"}`)}`] };
    },
  };
}

function formEditor(media) {
  const schema = flat(media.schema ?? {});
  const parts = Object.entries(schema.properties ?? { file: {} }).map(([name, what]) => {
    const found = flat(what);
    const each = flat(found.items ?? found);
    const file = each.format === "binary" || each.contentMediaType !== undefined || each.type === undefined;
    const must = Boolean(schema.required?.includes(name));
    return { name, must, input: h("input", file ? { type: "file", multiple: found.type === "array" } : { autocomplete: "off" }) };
  });
  return {
    element: h("div", null, parts.map(({ name, must, input }) => control(name, input, { must }))),
    build: (showing) => {
      const data = new FormData();
      const curl = [];
      for (const { name, must, input } of parts) {
        const files = [...(input.files ?? [])];
        for (const file of files) data.append(name, file);
        if (!input.files && input.value !== "") data.append(name, input.value);
        if (must && !showing && files.length === 0 && !input.value) throw new Unfit(`${name} is missing.`, input);
        const values = input.files ? files.map((file) => `@${file.name}`) : input.value === "" ? [] : [input.value];
        curl.push(...values.map((value) => `-F ${quoted(`${name}=${value}`)}`));
      }
      return { body: data, headers: {}, curl };
    },
  };
}

/* For a POSIX shell. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function tryIt(call) {
  const inputs = call.parameters.filter((each) => each.in !== "cookie").map((parameter) => ({ parameter, input: parameterInput(parameter) }));
  const kinds = { path: "Path", query: "Query", header: "Headers" };
  const groups = Object.keys(kinds).map((kind) => {
    const those = inputs.filter(({ parameter }) => parameter.in === kind);
    return those.length === 0 ? null : h("div", { role: "group", "aria-label": kinds[kind] },
      those.map(({ parameter, input }) => control(parameter.name, input, { must: parameter.required, hint: kind === "header" ? "header" : "" })));
  });
  const further = call.parameters.some((each) => each.in === "query") ? h("input", { autocomplete: "off", spellcheck: "false", autocapitalize: "none", placeholder: "name=value&…" }) : null;
  const editor = bodyEditor(call);
  const send = h("button", { type: "submit", class: "main" }, "Send");
  const stop = h("button", { type: "button", hidden: true }, "Stop");
  const hint = h("span", { class: "small dim" });
  const wrong = h("p", { class: "note wrong", role: "alert" });
  const command = h("pre", { tabindex: "0", class: "wrap", role: "region", "aria-label": "The call as a curl command" });
  const withToken = h("input", { type: "checkbox", id: `field-${++fieldCount}` });
  const answer = h("div", { class: "heard" });

  const target = () => {
    let path = call.path;
    const query = [];
    const headers = {};
    for (const { parameter, input } of inputs) {
      const value = input.value;
      if (value === "") {
        if (parameter.required) throw new Unfit(`${parameter.name} is missing.`, input);
      } else if (parameter.in === "path") {
        if (value === "." || value === "..") throw new Unfit(`A browser cannot send '${value}' as ${parameter.name}.`, input);
        path = path.replace(`{${parameter.name}}`, () => encodeURIComponent(value));
      } else if (parameter.in === "query") {
        query.push(`${encodeURIComponent(parameter.name)}=${encodeURIComponent(value)}`);
      } else {
        if (!/^[\x20-\x7e]*$/.test(value)) throw new Unfit(`The header ${parameter.name} may have plain ASCII characters only.`, input);
        headers[parameter.name] = value;
      }
    }
    if (further?.value) query.push(encodeURI(further.value.replace(/^[?&]/, "")));
    const base = new URL(api.servers?.[0]?.url ?? "/", location.href).href.replace(/\/$/, "");
    return { url: base + path + (query.length ? `?${query.join("&")}` : ""), headers };
  };

  const asCommand = (secret) => {
    const { url, headers } = target();
    const { headers: more, curl } = editor?.build(true) ?? { headers: {}, curl: [] };
    const lines = [`curl${streams(call) ? " -N" : ""}${call.method === "get" ? "" : ` -X ${call.method.toUpperCase()}`} ${quoted(url)}`];
    if (!call.open) lines.push(secret && credentials ? `-H ${quoted(`Authorization: Bearer ${credentials.token}`)}` : '-H "Authorization: Bearer $TOKEN"');
    for (const [name, value] of Object.entries({ ...headers, ...more })) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
    return [...lines, ...curl].join(" \\\n  ");
  };

  const refresh = () => {
    try {
      command.textContent = asCommand(withToken.checked);
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      command.textContent = `# ${error.message}`;
    }
    hint.replaceChildren(...(call.open ? ["Open to everybody."] : credentials ? [`As ${credentials.name}.`] : [h("button", { type: "button", class: "quiet", onclick: logIn }, "Log in first")]));
  };

  const form = h("form", { novalidate: true }, groups,
    further ? control("more", further, { hint: "of the query" }) : null,
    editor?.element, wrong,
    h("div", { class: "actions" }, send, stop, hint));

  form.addEventListener("input", (event) => {
    event.target.removeAttribute?.("aria-invalid");
    wrong.textContent = "";
    const found = inputs.find(({ input }) => input === event.target);
    if (found?.parameter.in === "path") typed.set(found.parameter.name, event.target.value);
    refresh();
  });
  form.addEventListener("change", refresh);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    wrong.textContent = "";
    let request;
    try {
      request = { ...target(), built: editor?.build() ?? { headers: {} } };
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      wrong.textContent = error.message;
      error.field?.setAttribute("aria-invalid", "true");
      error.field?.focus();
      return;
    }
    const headers = { ...request.headers, ...request.built.headers };
    if (credentials && !call.open) headers.Authorization = `Bearer ${credentials.token}`;
    const stopping = new AbortController();
    const end = () => stopping.abort();
    stop.hidden = false;
    send.disabled = true;
    stop.addEventListener("click", end);
    try {
      await exchange(call, request.url, { method: call.method.toUpperCase(), headers, body: request.built.body, credentials: "omit", cache: "no-store", signal: stopping.signal }, answer);
    } finally {
      stop.removeEventListener("click", end);
      send.disabled = false;
      if (document.activeElement === stop) send.focus();
      stop.hidden = true;
    }
  });
  withToken.addEventListener("change", refresh);
  watchers.add(refresh);
  refresh();

  const element = h("section", { class: "try", "aria-labelledby": `try-${call.id}` },
    h("h2", { id: `try-${call.id}` }, "Try it"),
    form,
    h("div", null, answer),
    h("div", { class: "between" }, h("h3", null, "As a command"), copyButton(() => command.textContent, "the command")),
    command,
    call.open ? null : h("div", { class: "check" }, withToken, h("label", { for: withToken.id }, "with my access token in it")));
  const fill = () => {
    for (const { parameter, input } of inputs) {
      if (parameter.in === "path" && input.value === "" && typed.has(parameter.name)) input.value = typed.get(parameter.name);
    }
    refresh();
  };
  return { element, fill };
}

const streams = (call) => Object.values(call.operation.responses ?? {}).some((each) => "text/event-stream" in (resolve(each).content ?? {}));

/* Send, and show what comes back: as it comes, where it is a stream. */
async function exchange(call, url, options, place) {
  const began = performance.now();
  place.replaceChildren(h("h3", null, "Answer"), h("p", { class: "dim small" }, "Waiting for the answer …"));
  let answer;
  let received = "";
  try {
    answer = await fetch(url, options);
    const type = answer.headers.get("content-type") ?? "";
    if (type.startsWith("text/event-stream")) {
      await follow(answer, began, place);
      return;
    }
    received = await answer.text();
    say(`Answered with ${answer.status} ${answer.statusText}`);
    show(answer, received, performance.now() - began, place);
    if (answer.ok && url.endsWith(LOGIN)) {
      const said = JSON.parse(received);
      if (said.access_token) accept(JSON.parse(options.body).username, said);
    }
    if (answer.status === 401 && credentials && !call.open) {
      place.append(h("p", { class: "note" }, "Your log-in has ended or was refused. ", h("button", { type: "button", class: "quiet", onclick: logIn }, "Log in again")));
    }
  } catch (error) {
    if (options.signal.aborted) place.append(h("p", { class: "note dim" }, `Stopped after ${duration(performance.now() - began)}.`));
    else if (error instanceof TypeError) {
      say("No answer");
      place.replaceChildren(h("h3", null, "No answer"), h("p", { class: "wrong" }, "The server cannot be reached. Is it running? Nothing is known of what became of the request."));
    } else throw error;
  }
}

const duration = (milliseconds) => (milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`);

function facts(answer, elapsed, size) {
  const kind = answer.ok ? "good" : answer.status >= 500 ? "bad" : "warn";
  return [
    h("p", { class: "facts" },
      h("span", { class: `status ${kind}` }, `${answer.status} ${answer.statusText}`.trim()),
      h("span", { class: "dim" }, `${duration(elapsed)}${size === null ? "" : ` · ${size.toLocaleString("en")} bytes`}`)),
    h("details", { class: "inner" }, h("summary", null, "Headers"),
      h("dl", { class: "headers" }, [...answer.headers].map(([name, value]) => [h("dt", null, name), h("dd", { class: "mono" }, value)]))),
  ];
}

function show(answer, text, elapsed, place) {
  const type = answer.headers.get("content-type") ?? "";
  place.replaceChildren(
    h("div", { class: "between" }, h("h3", null, "Answer"), text ? copyButton(() => text, "the answer") : null),
    ...facts(answer, elapsed, new Blob([text]).size),
    text ? block(text, type) : h("p", { class: "dim small" }, "No body."));
}

async function follow(answer, began, place) {
  const pre = h("pre", { tabindex: "0", class: "wrap" });
  say("Connected");
  const state = h("p", { class: "note dim" }, "Connected. What happens appears here, until you stop it.");
  place.replaceChildren(h("h3", null, "Answer"), ...facts(answer, performance.now() - began, null), state, pre);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const atEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 40;
    pre.append(value);
    while (pre.childNodes.length > 500) pre.firstChild.remove();
    if (atEnd) pre.scrollTop = pre.scrollHeight;
  }
  state.textContent = `The server ended it after ${duration(performance.now() - began)}.`;
}

/* -- One call --------------------------------------------------------------------------------------------------------- */

function callPage(call) {
  const parameters = call.parameters.map((each) => row(each.name, each.schema ?? {}, { sent: true, required: each.required, where: each.in, description: each.description }));
  const body = resolve(call.operation.requestBody);
  const trying = tryIt(call);
  const element = h("article", { class: "call" },
    h("header", null,
      h("a", { class: "back", href: "#/" }, "← All calls"),
      h("h1", { tabindex: "-1" }, call.summary),
      h("p", { class: "signature" }, h("span", { class: `method ${call.method}` }, call.method.toUpperCase()), pathText(call.path), badges(call)),
      rich(call.operation.description === call.summary || call.operation.description === `${call.summary}.` ? "" : call.operation.description)),
    h("div", { class: "halves" },
      h("div", { class: "told" },
        parameters.length ? section("Parameters", h("ul", { class: "fields" }, parameters)) : null,
        Object.keys(body.content ?? {}).length ? section("Body", bodies(body)) : null),
      trying.element,
      h("div", { class: "told" }, section("Answers", answers(call.operation.responses ?? {})))));
  return { element, shown: trying.fill };
}

const section = (title, ...children) => h("section", null, h("h2", null, title), ...children);

function pathText(path) {
  return h("span", { class: "path mono" }, path.split(/(\{[^}]*\})/).map((part) => (part.startsWith("{") ? h("b", null, part) : part)));
}

function badges(call) {
  return [
    call.built ? null : h("span", { class: "badge warn" }, "not built yet"),
    call.operation.deprecated ? h("span", { class: "badge warn" }, "deprecated") : null,
    call.open ? h("span", { class: "badge" }, "open to everybody") : null,
  ];
}

/* Content types with the same schema are told once, and files that are sent as they are in one line. */
function bodies(body) {
  const isFile = ([, media]) => flat(media.schema ?? {}).contentMediaType !== undefined;
  const must = h("span", { class: body.required ? "small wrong" : "small dim" }, body.required ? "required" : "may be left out");
  const files = Object.entries(body.content).filter(isFile);
  const kinds = Object.entries(body.content).filter((each) => !isFile(each));
  const same = kinds.length > 1 && kinds.every(([, media]) => JSON.stringify(media.schema) === JSON.stringify(kinds[0][1].schema));
  const shown = same ? [[kinds.map(([type]) => type).join(" or "), kinds[0][1]]] : kinds;
  return [
    rich(body.description),
    files.length ? h("div", { class: "answer" }, h("p", null, "The file itself: ", files.map(([type], index) => [index ? " or " : "", h("code", null, type)]), " ", must.cloneNode(true))) : null,
    shown.map(([type, media]) => h("div", { class: "answer" }, h("p", null, h("code", null, type), " ", must.cloneNode(true)), content(media, true))),
  ];
}

/* What a body or an answer is made of. */
function content(media, sent = false) {
  const schema = media.schema ?? {};
  const found = flat(schema);
  const list = fields(schema, sent);
  const given = media.example !== undefined || media.examples || found.examples?.length;
  return [
    list ? [rich(found.description), list]
      : h("p", { class: "small dim" }, `${typeText(schema)}${limits(schema) ? `, ${limits(schema)}` : ""}`),
    given ? h("details", { class: "inner" }, h("summary", null, "Example"), block(pretty(exampleOf(media)))) : null,
  ];
}

function answers(responses) {
  const all = Object.entries(responses).map(([status, response]) => [status, resolve(response)]);
  const good = all.filter(([status]) => /^[123]/.test(status));
  const refused = all.filter(([status]) => !/^[123]/.test(status));
  const medias = refused.flatMap(([, response]) => Object.entries(response.content ?? {}));
  return [
    ...good.map(([status, response], index) => h("div", { class: "answer" },
      h("p", { class: "facts" }, h("span", { class: "status good" }, status), h("span", null, inline(response.description))),
      Object.entries(response.content ?? {}).map(([type, media]) => [
        isJson(type) ? null : h("p", null, h("code", null, type)),
        index === 0 ? content(media) : JSON.stringify(media) === JSON.stringify(Object.values(good[0][1].content ?? {})[0]) ? h("p", { class: "small dim" }, `The same as ${good[0][0]}.`) : content(media)]))),
    refused.length ? h("div", { class: "answer" },
      h("h3", null, "When it cannot be done"),
      h("ul", { class: "refusals" }, refused.map(([status, response]) => h("li", null, h("span", { class: `status ${status[0] === "5" ? "bad" : "warn"}` }, status), h("span", null, inline(response.description))))),
      medias.length ? h("details", { class: "inner" }, h("summary", null, `What a refusal says: ${medias[0][0]}`), content(medias[0][1])) : null) : null,
  ];
}

/* -- The list, the overview, and the way between ------------------------------------------------------------------------ */

let calls = [];
const pages = new Map(); // what was filled in stays while the page is open

function matching(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return calls.filter((call) => words.every((word) => call.words.includes(word)));
}

const link = (call) => `#/${encodeURIComponent(call.id)}`;

function sidebar(shown, current) {
  const groups = byTag(shown);
  byId("calls").replaceChildren(
    h("a", { class: "plain", href: "#/", "aria-current": current ? null : "page" }, "Overview"),
    ...groups.flatMap((group) => {
      const id = `tag-${group.name.replace(/\W/g, "-")}`;
      return [h("h2", { id }, group.name), h("ul", { "aria-labelledby": id }, group.calls.map((call) => h("li", null,
        h("a", { href: link(call), title: `${call.method.toUpperCase()} ${call.path}`, "aria-current": call === current ? "page" : null },
          h("span", { class: `method ${call.method}` }, call.method.toUpperCase()), h("span", null, call.summary)))))];
    }),
    ...(groups.length ? [] : [h("p", { class: "none dim" }, "Nothing fits.")]));
  const marked = byId("calls").querySelector("[aria-current]");
  if (current && marked) marked.scrollIntoView({ block: "nearest" });
}

function overview(shown) {
  const info = api.info ?? {};
  const groups = byTag(shown);
  const searching = shown.length !== calls.length;
  return h("article", null,
    h("h1", { tabindex: "-1" }, searching ? "What was found" : "HTTP API"),
    searching ? null : [
      h("p", { class: "lead" }, inline(info.summary ?? "")),
      rich(info.description),
      h("ol", { class: "steps" },
        h("li", null, credentials ? `You are logged in as ${credentials.name}.` : [h("button", { type: "button", class: "quiet", onclick: logIn }, "Log in"), " with a user of this server. The access token stays in this tab."]),
        h("li", null, "Choose a call, change its parameters and its body, and send it: it is done for real."),
        h("li", null, "Take it along as a curl command, or make a client from ", h("a", { href: DESCRIPTION }, "openapi.json"), ` (OpenAPI ${api.openapi ?? ""}).`))],
    groups.map((group) => h("section", { class: "tag" },
      h("h2", null, group.name), group.description ? h("p", { class: "dim" }, inline(group.description)) : null,
      h("ul", { class: "list" }, group.calls.map((call) => h("li", null, h("a", { href: link(call) },
        h("span", { class: `method ${call.method}` }, call.method.toUpperCase()),
        h("span", null, call.summary, " ", badges(call)[0]),
        h("span", { class: "path mono" }, call.path))))))),
    groups.length ? null : h("p", null, "Nothing fits. ", h("button", { type: "button", class: "quiet", onclick: () => { byId("search").value = ""; search(); } }, "Show all calls")));
}

const narrow = matchMedia("(max-width: 52rem)");

function route(focus = true) {
  const id = decodeURIComponent(location.hash.replace(/^#\/?/, ""));
  const current = calls.find((call) => call.id === id);
  const shown = matching(byId("search").value);
  sidebar(shown, current);
  let page;
  if (current) {
    if (!pages.has(current.id)) pages.set(current.id, callPage(current));
    page = pages.get(current.id);
    page.shown();
  } else {
    page = { element: overview(shown) };
  }
  document.title = `${current ? `${current.summary} · ` : ""}procession · HTTP API`;
  byId("main").replaceChildren(page.element);
  if (focus) {
    scrollTo({ top: 0, behavior: "instant" });
    page.element.querySelector("h1").focus({ preventScroll: true });
  }
}

function search() {
  const shown = matching(byId("search").value);
  const id = decodeURIComponent(location.hash.replace(/^#\/?/, ""));
  const current = calls.find((call) => call.id === id);
  if (current && narrow.matches) history.replaceState(null, "", "#/");
  if (current && !narrow.matches) sidebar(shown, current);
  else route(false);
  say(byId("search").value ? `${shown.length} of ${calls.length} calls` : "");
}

function fail(title, detail) {
  byId("calls").replaceChildren();
  byId("main").replaceChildren(h("div", { class: "panel", role: "alert" },
    h("h1", null, title), h("p", null, detail),
    h("p", { class: "actions" }, h("button", { type: "button", class: "main", onclick: load }, "Try again"))));
}

async function load() {
  let answer;
  try {
    answer = await fetch(DESCRIPTION, { credentials: "omit", headers: { Accept: "application/json" } });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    fail("The server does not answer", "It may have been stopped, or the way to it is cut. This page knows nothing without it.");
    return;
  }
  if (!answer.ok) {
    fail("The server does not describe itself", `${DESCRIPTION} was answered with ${answer.status} ${answer.statusText}.`);
    return;
  }
  try {
    api = await answer.json();
  } catch (error) {
    fail("The description cannot be read", `${DESCRIPTION} is no JSON: ${error.message}`);
    return;
  }
  calls = readCalls();
  pages.clear();
  watchers.clear();
  watchers.add(() => { if (!byId("main").querySelector(".call")) route(false); });
  byId("version").textContent = `HTTP API ${api.info?.version ?? ""}`.trim();
  route(false);
}

addEventListener("hashchange", () => route());
addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, dialog");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    byId("search").select();
    byId("search").focus();
  }
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says which call is shown
  byId("main").focus();
});
byId("search").addEventListener("input", search);
byId("search").addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    event.preventDefault();
    byId("search").value = "";
    search();
  }
});
byId("finder").addEventListener("submit", (event) => {
  event.preventDefault();
  const [first] = byTag(matching(byId("search").value)).flatMap((group) => group.calls);
  if (first && byId("search").value) location.hash = link(first);
});
byId("session").addEventListener("click", () => (credentials ? remember(null) : logIn()));
byId("login").querySelector("form").addEventListener("submit", logInWith);
byId("login-cancel").addEventListener("click", () => byId("login").close());

recall();
load();
