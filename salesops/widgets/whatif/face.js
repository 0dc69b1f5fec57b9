// The face of the quota what-if. It draws what Python says and sends what people do; it computes nothing.

const QUIET = 250; // milliseconds without a movement after which the exact numbers are asked for

function node(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name === "text") made.textContent = value;
        else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
        else if (value === true) made.setAttribute(name, "");
        else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children.filter(child => child !== null));
    return made;
}

function say(place, text) {
    if (place.textContent !== text) place.textContent = text;
}

// One list of steps under way at most. What piles up is sent together; a later value replaces an earlier one.
function sender(model) {
    const from = Math.random().toString(36).slice(2);
    const mine = new Map(); // control → number of the list that holds its last step
    let waiting = [], number = 0, done = 0, under_way = false, clock = 0;
    const same = (a, b) => a && a.do === b.do && a.name === b.name && (a.do === "set" || a.do === "quota");
    function pump() {
        if (under_way || !waiting.length) return;
        under_way = true;
        number += 1;
        model.send({ from, number, steps: waiting });
        waiting = [];
    }
    return {
        step(step) {
            const last = waiting[waiting.length - 1];
            if (same(last, step)) waiting[waiting.length - 1] = step;
            else waiting.push(step);
            if (step.name !== undefined) mine.set(`${step.do} ${step.name}`, number + 1);
            clearTimeout(clock);
            if (step.moving) clock = setTimeout(() => this.step({ do: "exact" }), QUIET);
            pump();
        },
        answered([whose, which]) {
            if (whose === from && which === number) {
                under_way = false;
                done = which;
            }
            pump();
        },
        settled: key => (mine.get(key) ?? 0) <= done,
        busy: () => under_way || waiting.length > 0,
    };
}

function render({ model, el }) {
    const setup = model.get("setup");
    const send = sender(model);
    const id = `w${Math.random().toString(36).slice(2, 8)}`;
    const root = node("div", { class: "quota-whatif", "data-lm-suppress-shortcuts": "true" });
    const parts = [head(setup, send, id), levers(setup, send, id), results(setup), reps(setup, send, id),
        moves(setup, send, id), keeping(setup, send, id), notes()];
    const [top, sides, sums, people, moved, kept, remarks] = parts;
    const left = node("div", { class: "left" }, sides.el, moved.el);
    const right = node("div", { class: "right" }, sums.el, people.el);
    root.append(top.el, node("div", { class: "columns" }, left, right), kept.el, remarks.el);
    // the arrow keys of a notebook go from cell to cell; here they move levers
    root.addEventListener("focusin", event => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
    el.append(root);
    function draw() {
        const shown = model.get("shown");
        send.answered(shown.answers); // what a box holds is overwritten only once its own step is answered
        for (const part of parts) part.draw(shown);
        root.dataset.exact = shown.exact;
        root.dataset.busy = send.busy();
        // whoever holds the face, as a page of its own, can keep the levers and give them back
        const detail = { levers: shown.kept, take: text => send.step({ do: "take", value: text }), kernel: model.widget_manager?.kernel };
        document.dispatchEvent(new CustomEvent("quota-whatif", { detail }));
    }
    model.on("change:shown", draw);
    draw();
    return () => model.off("change:shown", draw);
}

function head(setup, send, id) {
    const headline = node("p", { class: "headline", "aria-live": "polite", "aria-atomic": "true", id: `${id}-headline` });
    const said = node("p", { class: "said", role: "status" });
    const undo = node("button", { type: "button", text: "Undo", title: "Take the last step back",
        onclick: () => send.step({ do: "undo" }) });
    const redo = node("button", { type: "button", text: "Redo", title: "Take again what was taken back",
        onclick: () => send.step({ do: "redo" }) });
    const reset = node("button", { type: "button", text: "Reset", title: "Set all that is not locked to today’s",
        onclick: () => send.step({ do: "reset" }) });
    const changed = node("p", { class: "soft changed" });
    return {
        el: node("section", { class: "head", "aria-label": "Headline" }, node("p", { class: "soft", text: setup.title }), headline,
            node("div", { class: "row" }, undo, redo, reset, changed), said),
        draw(shown) {
            say(headline, shown.headline);
            say(changed, shown.changed);
            say(said, shown.said);
            said.classList.toggle("alert", shown.alert);
            undo.disabled = !shown.undo;
            redo.disabled = !shown.redo;
        },
    };
}

function levers(setup, send, id) {
    const drawn = [];
    const groups = setup.questions.map((question, place) => {
        const rows = setup.levers.filter(lever => lever.question === question).map(spec => {
            const made = lever(spec, send, id);
            drawn.push(made);
            return made.el;
        });
        return node("details", { class: "group", open: place < 3 },
            node("summary", {}, node("span", { text: question })), ...rows);
    });
    return {
        el: node("section", { "aria-label": "Levers" }, ...groups),
        draw: shown => drawn.forEach(one => one.draw(shown.levers[one.name])),
    };
}

function lever(spec, send, id) {
    const date = spec.kind === "date", name = `${id}-${spec.name}`, key = `set ${spec.name}`;
    let held = false, typing = false;
    const label = node("label", { for: `${name}-box`, text: spec.label });
    const today = node("span", { class: "soft today", text: `today ${spec.today}` });
    const lock = node("button", { type: "button", class: "lock", "aria-pressed": "false",
        "aria-label": `Lock ${spec.label}`, title: "Lock: neither hand nor reset changes it",
        onclick: () => send.step({ do: "lock", name: spec.name, value: lock.getAttribute("aria-pressed") !== "true" }) });
    const box = node("input", { type: date ? "date" : "number", id: `${name}-box`, step: "any",
        placeholder: spec.optional ? "none" : null, "aria-describedby": `${name}-help`,
        oninput: () => { typing = true; },
        onblur: () => { typing = false; },
        onkeydown: event => { if (event.key === "Enter" && typing) taken(); }, // some hosts keep Enter from the box
        onchange: () => taken() });
    function taken() {
        typing = false;
        send.step({ do: "set", name: spec.name, value: box.value === "" ? null : date ? box.value : Number(box.value) });
    }
    const slide = date ? null : node("input", { type: "range", min: spec.low, max: spec.high, step: spec.step,
        "aria-label": `${spec.label}, slider`, "data-lever": spec.name,
        onpointerdown: () => { held = true; },
        oninput: () => {
            box.value = slide.value;
            send.step({ do: "set", name: spec.name, value: Number(slide.value), moving: true }); // by key or hand
        },
        onchange: () => {
            if (held) send.step({ do: "set", name: spec.name, value: Number(slide.value) });
            held = false;
        },
        onpointerup: () => { setTimeout(() => { held = false; }); } });
    const unit = node("span", { class: "unit", text: spec.unit });
    return {
        name: spec.name,
        el: node("div", { class: "lever" },
            node("div", { class: "row" }, label, today, lock),
            node("div", { class: "row" }, slide, box, unit),
            node("p", { class: "soft help", id: `${name}-help`, text: spec.help })),
        draw([value, different, locked]) {
            const shown = value === null ? "" : String(value);
            if (!held && !typing && send.settled(key)) {
                if (box.value !== shown) box.value = shown;
                if (slide) slide.value = value === null ? spec.low : value;
            }
            if (slide) slide.setAttribute("aria-valuetext", `${value === null ? "none" : value} ${spec.unit}`);
            label.classList.toggle("different", different);
            lock.setAttribute("aria-pressed", locked);
            say(lock, locked ? "locked" : "lock");
            box.disabled = locked;
            if (slide) slide.disabled = locked;
        },
    };
}

function results(setup) {
    const cells = setup.lines.map(() => [node("td"), node("td", { class: "now" }), node("td", { class: "soft" })]);
    const rows = setup.lines.map((line, place) =>
        node("tr", {}, node("th", { scope: "row", text: line }), ...cells[place]));
    const heads = ["Result", "Baseline", "Scenario", "Change"].map(text => node("th", { scope: "col", text }));
    const table = node("table", { class: "sums" },
        node("caption", { text: "Today beside the scenario" }),
        node("thead", {}, node("tr", {}, ...heads)), node("tbody", {}, ...rows));
    const bars = payout();
    return {
        el: node("section", { "aria-label": "Results" }, table, bars.el),
        draw(shown) {
            shown.rows.forEach((row, place) => row.forEach((text, column) => say(cells[place][column], text)));
            bars.draw(shown.payout);
        },
    };
}

// The range of all commissions together, today and under the scenario, with the budget as a line.
function payout() {
    const names = ["Baseline", "Scenario"];
    const bars = names.map(() => [node("i", { class: "range" }), node("i", { class: "middle" }), node("i", { class: "limit" })]);
    const el = node("div", { class: "payout", "aria-hidden": "true" },
        node("p", { class: "soft", text: "Commission in 80 of 100 cases; the upright line is the budget" }),
        ...names.map((name, place) => node("div", { class: "row" }, node("span", { text: name }),
            node("div", { class: "track" }, ...bars[place]))));
    return {
        el,
        draw({ rows, budget, top }) {
            el.hidden = !(top > 0);
            rows.forEach(([low, middle, high], place) => {
                const at = value => `${(96 * value) / (top || 1)}%`;
                const [range, point, limit] = bars[place];
                range.style.left = at(low);
                range.style.width = at(Math.max(high - low, 0));
                point.style.left = at(middle);
                limit.hidden = budget === null;
                limit.style.left = at(budget || 0);
            });
        },
    };
}

function reps(setup, send, id) {
    const lines = setup.reps.map((rep, place) => one_rep(rep, setup, send, place));
    const body = node("tbody", {}, ...lines.map(line => line.el));
    const orders = {
        "P(attain) today": () => place => -(setup.base[place] ?? -1),
        "P(attain) in the scenario": shown => place => -(shown.chances[place] ?? -1),
        "name": () => place => setup.reps[place][1],
        "quota": shown => place => -(shown.quotas[place] ?? -1),
        "territory": () => place => setup.reps[place][2],
    };
    let last = null;
    const sort = node("select", { id: `${id}-sort`, onchange: () => arrange(last) },
        ...Object.keys(orders).map(text => node("option", { text })));
    function arrange(shown) {
        const by = orders[sort.value](shown), places = lines.map((_, place) => place);
        places.sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : a - b));
        body.append(...places.map(place => lines[place].el));
    }
    const free = node("button", { type: "button", class: "lock", "aria-pressed": "false", "aria-label": "Lock quotas",
        onclick: () => send.step({ do: "lock", name: "quotas", value: free.getAttribute("aria-pressed") !== "true" }) });
    const scale = node("span", { class: "scale", "aria-hidden": "true" },
        ...["0", "50", "100%"].map(text => node("span", { text })));
    const table = node("table", { class: "reps" },
        node("caption", {}, "P(attain) of each rep: ", node("b", { class: "key", text: "○ today’s quota" }), " ",
            node("b", { class: "key", text: "◆ scenario" }), ". A quota that is typed is fixed; empty frees it."),
        node("thead", {}, node("tr", {}, node("th", { scope: "col", text: "Rep" }),
            node("th", { scope: "col", text: `Quota, ${setup.currency}` }),
            node("th", { scope: "col" }, node("span", { class: "unseen", text: "P(attain), drawn" }), scale),
            node("th", { scope: "col", text: "P(attain)" }))), body);
    arrange({ chances: [], quotas: [] });
    const scroll = node("div", { class: "scroll", tabindex: "0", role: "region",
        "aria-label": "Quota and P(attain) of each rep" }, table);
    // lines in sight are drawn at once, the others when there is time or somebody scrolls to them
    const places = new Map(lines.map((line, place) => [line.el, place])), seen = new Set(), stale = new Set();
    const watch = new IntersectionObserver(entries => entries.forEach(({ target, isIntersecting }) => {
        const place = places.get(target);
        if (isIntersecting) seen.add(place);
        else seen.delete(place);
        if (isIntersecting && stale.has(place)) draw_line(place);
    }), { root: scroll, rootMargin: "150px" });
    lines.forEach(line => watch.observe(line.el));
    let fixed = new Set(), locked = false, later = 0;
    function draw_line(place) {
        stale.delete(place);
        lines[place].draw(last, place, fixed.has(setup.reps[place][0]), locked);
    }
    return {
        el: node("section", { "aria-label": "Reps" },
            node("div", { class: "row" }, node("label", { for: sort.id, text: "Sorted by" }), sort, free), scroll),
        draw(shown) {
            last = shown;
            locked = shown.locked.includes("quotas");
            fixed = new Set(shown.fixed);
            free.setAttribute("aria-pressed", locked);
            say(free, locked ? "quotas locked" : "lock quotas");
            lines.forEach((_, place) => (seen.has(place) ? draw_line(place) : stale.add(place)));
            clearTimeout(later);
            later = setTimeout(() => [...stale].forEach(draw_line), 150);
        },
    };
}

function one_rep([user, name, territory], setup, send, place) {
    let typing = false;
    const key = `quota ${user}`, today = setup.today[place], base = setup.base[place];
    const box = node("input", { type: "number", min: 0, step: "any", "aria-label": `Quota of ${name}`,
        title: today === null ? "No quota today" : `Today ${today.toLocaleString("en")}`,
        oninput: () => { typing = true; },
        onblur: () => { typing = false; },
        onkeydown: event => { if (event.key === "Enter" && typing) taken(); }, // some hosts keep Enter from the box
        onchange: () => taken() });
    function taken() {
        typing = false;
        send.step({ do: "quota", name: user, value: box.value === "" ? null : Number(box.value) });
    }
    const line = node("i", { class: "line" }), before = node("i", { class: "before" }), after = node("i", { class: "after" });
    const text = node("td", { class: "chance" });
    before.hidden = base === null;
    before.style.left = `${100 * (base ?? 0)}%`;
    return {
        el: node("tr", {}, node("th", { scope: "row" }, node("bdi", { text: name }),
            territory ? node("small", { text: territory }) : null),
            node("td", {}, box), node("td", { class: "plot", "aria-hidden": "true" },
                node("div", { class: "dots" }, line, before, after)), text),
        draw(shown, place, fixed, locked) {
            const quota = shown.quotas[place], chance = shown.chances[place];
            if (!typing && send.settled(key)) {
                const wanted = quota === null ? "" : String(quota);
                if (box.value !== wanted) box.value = wanted;
            }
            box.disabled = locked;
            box.classList.toggle("fixed", fixed);
            say(text, shown.percents[place]);
            after.hidden = chance === null;
            after.style.left = `${100 * (chance ?? 0)}%`;
            const both = base !== null && chance !== null;
            line.hidden = !both;
            if (both) {
                line.style.left = `${100 * Math.min(base, chance)}%`;
                line.style.width = `${100 * Math.abs(base - chance)}%`;
            }
        },
    };
}

function moves(setup, send, id) {
    const names = new Map(setup.reps.map(([user, name]) => [user, name]));
    const choose = what => node("select", { id: `${id}-${what}` },
        ...setup.reps.map(([user, name]) => node("option", { value: user, text: name })));
    const giver = choose("giver"), receiver = choose("receiver");
    if (setup.reps.length > 1) receiver.selectedIndex = 1;
    const share = node("input", { type: "number", id: `${id}-share`, value: 20, min: 0, max: 100 });
    const list = node("ul", { class: "moves" });
    const add = node("button", { type: "button", text: "Move", onclick: () =>
        send.step({ do: "move", giver: giver.value, receiver: receiver.value, value: share.value }) });
    const field = (control, text) => node("div", { class: "row" }, node("label", { for: control.id, text }), control);
    return {
        el: node("details", { class: "group" }, node("summary", {}, node("span", { text: "Who serves which territory?" })),
            node("p", { class: "soft", text: "A part of a rep’s new business goes to another; open deals stay." }),
            field(giver, "From"), field(receiver, "To"), field(share, "Share, %"), add, list),
        draw(shown) {
            const text = JSON.stringify(shown.moves);
            if (list.dataset.moves === text) return;
            list.dataset.moves = text;
            list.replaceChildren(...shown.moves.map(([from, to, part], place) => {
                const said = `${part} from ${names.get(from)} to ${names.get(to)}`;
                return node("li", {}, `${said} `, node("button", { type: "button", text: "Remove",
                    "aria-label": `Remove the move of ${said}`, onclick: () => send.step({ do: "unmove", value: place }) }));
            }));
        },
    };
}

function keeping(setup, send, id) {
    const field = (what, text, more = {}) => node("input", { type: "text", id: `${id}-${what}`, "aria-label": text, ...more });
    const name = field("name", "Name of the scenario", { placeholder: "Name" });
    const file = field("file", "File name for the quotas", { value: "quotas.csv" });
    const version = field("version", "Name of the version", { placeholder: "Name of the version" });
    const button = (text, act) => node("button", { type: "button", text, onclick: act });
    const list = node("ul", { class: "saved" });
    const table = node("table", { class: "compare" });
    const shared = node("input", { type: "file", accept: ".toml", id: `${id}-shared`, onchange: async () => {
        for (const one of shared.files) send.step({ do: "read", name: one.name, value: await one.text() });
        shared.value = "";
    } });
    return {
        el: node("section", { class: "keeping", "aria-label": "Scenarios" },
            node("h2", { text: "Scenarios" }),
            node("div", { class: "row" }, name, button("Save", () => send.step({ do: "save", name: name.value }))),
            list,
            node("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Scenarios side by side" }, table),
            node("details", { class: "group" }, node("summary", {}, node("span", { text: "Share and export" })),
                node("p", { class: "soft", text: "A saved scenario is a file: send it, and open it here." }),
                node("div", { class: "row" }, node("label", { for: shared.id, text: "Open a file" }), shared),
                node("div", { class: "row" }, file, button("Export quotas to CSV",
                    () => send.step({ do: "export", name: file.value }))),
                node("p", { class: "soft",
                    text: "The book takes the quotas as a new version. Older versions stay in it; the newest counts." }),
                node("div", { class: "row" }, version, button("Write quotas to the book",
                    () => send.step({ do: "book", name: version.value }))))),
        draw(shown) {
            const text = JSON.stringify([shown.saved, shown.name]);
            if (list.dataset.saved !== text) {
                list.dataset.saved = text;
                list.replaceChildren(...shown.saved.map(saved => one_saved(saved, send)));
                if (document.activeElement !== name) name.value = shown.name;
            }
            compare(table, shown.compare);
        },
    };
}

function one_saved([name, compared, open], send) {
    const box = node("input", { type: "checkbox", onchange: () => {
        send.step({ do: "compare", name, value: box.checked });
        box.checked = compared; // until the answer says so
    } });
    box.checked = compared;
    return node("li", {}, node("label", {}, box, " ", node("bdi", { text: name })), open ? " (open) " : " ",
        node("button", { type: "button", text: "Open", "aria-label": `Open ${name}`,
            onclick: () => send.step({ do: "open", name }) }));
}

function compare(table, { heads, rows, changed }) {
    table.hidden = !heads.length;
    const text = JSON.stringify([heads, rows, changed]);
    if (table.dataset.told === text) return;
    table.dataset.told = text;
    if (!heads.length) return table.replaceChildren();
    const line = (first, cells, kind) => node("tr", {}, node("th", { scope: "row", text: first }),
        ...cells.map(cell => node("td", { text: cell, class: kind })));
    table.replaceChildren(
        node("caption", { text: "Scenarios side by side" }),
        node("thead", {}, node("tr", {}, node("td"), ...heads.map(name =>
            node("th", { scope: "col" }, node("bdi", { text: name }))))),
        node("tbody", {}, ...rows.map(([first, ...cells]) => line(first, cells)), line("Changed", changed, "words")));
}

function notes() {
    const list = node("ul", { class: "soft" });
    return {
        el: node("section", { "aria-label": "Notes" }, list),
        draw({ notes }) {
            const text = JSON.stringify(notes);
            if (list.dataset.notes === text) return;
            list.dataset.notes = text;
            list.replaceChildren(...notes.map(note => node("li", { text: note })));
        },
    };
}

export default { render };
