/* What the walk (test_walk_browser.py) does inside the web client: opens an action or presses a
   button, waits until nothing is asked of the server any more, and tells what the page shows. */
(() => {
    const { rpcBus } = odoo.loader.modules.get("@web/core/network/rpc");
    const waiting = new Map();
    const failed = [];
    const actions = new Set(); // ids of those the server answered with
    const views = new Set(); // ids of those the server described
    rpcBus.addEventListener("RPC:REQUEST", ({ detail }) => waiting.set(detail.data.id, detail.url));
    rpcBus.addEventListener("RPC:RESPONSE", ({ detail }) => {
        const url = waiting.get(detail.data.id);
        waiting.delete(detail.data.id);
        const { error, result } = detail;
        if (error) {
            const data = error.data || {};
            failed.push(`${url}: ${data.name || error.name}: ${data.message || error.message}`);
        }
        if (result?.type?.startsWith?.("ir.actions.") && result.id) {
            actions.add(result.id);
        }
        for (const view of Object.values(result?.views || {})) {
            views.add(view.id);
        }
    });

    const services = () => odoo.__WOWL_DEBUG__.root.env.services;
    const pause = (delay) => new Promise((resolve) => setTimeout(resolve, delay));
    const visible = (element) => element.getClientRects().length > 0;

    /** Wait until nothing was asked of the server during two looks; or give up. */
    async function calm(limit = 20000) {
        const end = performance.now() + limit;
        for (let quiet = 0; quiet < 2; ) {
            await pause(15);
            quiet = waiting.size || document.querySelector(".o_blockUI") ? 0 : quiet + 1;
            if (performance.now() > end) {
                failed.push(`still waiting for the server after ${limit} ms`);
                return;
            }
        }
    }

    /** Wait for a promise, or for an error dialog that keeps it from ever being kept. */
    async function kept(promise) {
        let done = false;
        promise.then(
            () => (done = true),
            (error) => {
                done = true;
                failed.push(`${error.name || ""} ${error.message || error}`);
            }
        );
        const end = performance.now() + 20000;
        while (!done && performance.now() < end && !document.querySelector(".o_error_dialog")) {
            await pause(10);
        }
        if (!done) {
            failed.push("the action did not open");
        }
        await calm();
    }

    /** Collect all that can be read under an element: words, hints, titles, choices. */
    function words(root) {
        const texts = new Set();
        // What Stripe sent, and names for programs, are English everywhere.
        const code = new Set(
            [...root.querySelectorAll(".ace_editor, [name=code]")].flatMap(
                (one) => one.innerText.split("\n").map((line) => line.trim())
            )
        );
        const add = (text) => text?.trim() && !code.has(text.trim()) && texts.add(text.trim());
        for (const line of root.innerText.split(/[\n\t]/)) {
            add(line);
        }
        for (const name of ["title", "placeholder", "data-tooltip", "aria-label", "alt"]) {
            for (const element of root.querySelectorAll(`[${name}]`)) {
                add(element.getAttribute(name));
            }
        }
        for (const element of root.querySelectorAll("[data-tooltip-info]")) {
            const info = JSON.parse(element.dataset.tooltipInfo);
            add(info.field?.help || info.help);
        }
        for (const option of root.querySelectorAll("option")) {
            add(option.textContent);
        }
        return [...texts];
    }

    const values = (root) =>
        [...root.querySelectorAll("input, textarea")].map((field) => field.value).filter(Boolean);

    /** Tell what the page shows now, and forget the errors told. */
    function look(started) {
        const modals = [...document.querySelectorAll(".o_dialog")];
        const roots = modals.length ? modals : [document.querySelector(".o_action_manager")];
        const controller = services().action.currentController;
        return {
            ms: Math.round(performance.now() - started),
            error: [...document.querySelectorAll(".o_error_dialog")]
                .map((dialog) => dialog.innerText)
                .join("\n"),
            failed: failed.splice(0),
            dialogs: modals.length,
            title: modals.length
                ? modals.at(-1).querySelector(".modal-title")?.innerText || ""
                : document.title,
            words: roots.flatMap(words),
            values: roots.flatMap(values),
            notices: [...document.querySelectorAll(".o_notification")].map((one) => one.innerText),
            view: controller?.view?.type || "client",
            controller: controller?.jsId,
            action: controller?.action?.id,
            model: controller?.props?.resModel,
            actions: [...actions],
            views: [...views],
            buttons: [
                ...new Set(
                    roots
                        .flatMap((root) => [...root.querySelectorAll("button[name], a[name]")])
                        .map((button) => button.getAttribute("name"))
                ),
            ],
        };
    }

    async function act(promiseOf) {
        const started = performance.now();
        await close();
        await kept(promiseOf());
        return look(started);
    }

    /** Close all dialogs and notifications. */
    async function close() {
        for (let dialog; (dialog = [...document.querySelectorAll(".o_dialog")].at(-1)); ) {
            const count = document.querySelectorAll(".o_dialog").length;
            const button = dialog.querySelector(".btn-close") || dialog.querySelector(
                ".modal-footer .o_form_button_cancel, .modal-footer .btn-secondary, .modal-footer .btn"
            );
            button.click();
            for (let tries = 0; document.querySelectorAll(".o_dialog").length === count; tries++) {
                await pause(10);
                if (tries === 100) {
                    failed.push("a dialog does not close");
                    dialog.remove();
                }
            }
        }
        document.activeElement?.blur(); // closes its calendar
        document.querySelectorAll(".o_notification_close").forEach((button) => button.click());
        await calm();
    }

    /** Find a button: on the page, on another sheet of it, or under « Plus ». */
    async function find(name) {
        const seek = () =>
            [...document.querySelectorAll(`button[name="${name}"], a[name="${name}"]`)].find(visible);
        const elsewhere = document.querySelectorAll(
            ".o_action_manager .o_notebook .nav-link, .o_action_manager .o_button_more, " +
                ".o_action_manager .settings_tab .tab"
        );
        for (const place of elsewhere) {
            if (seek()) {
                break;
            }
            place.click();
            await calm();
        }
        return seek();
    }

    window.walk = {
        menus: () =>
            services()
                .menu.getAll()
                .filter((menu) => menu.id !== "root")
                .map(({ id, xmlid, name, actionID }) => ({ id, xmlid, name, action: actionID })),
        menu: (id) => act(() => services().menu.selectMenu(id)),
        open: (action, options) =>
            act(() => services().action.doAction(action, { clearBreadcrumbs: true, ...options })),
        view: (type, props) => act(() => services().action.switchView(type, props)),
        close,
        /** Press a button of the page, wait for a dialog, another page or a message. */
        async press(name) {
            const started = performance.now();
            const button = await find(name);
            const before = services().action.currentController?.jsId;
            if (!button) {
                return null;
            }
            button.click();
            const end = performance.now() + 20000;
            const happened = () =>
                document.querySelector(".o_dialog, .o_notification") ||
                failed.length ||
                services().action.currentController?.jsId !== before;
            while (!happened() && performance.now() < end) {
                await pause(10);
            }
            if (!happened()) {
                failed.push(`nothing happens after a click on ${name}`);
            }
            await calm();
            return look(started);
        },
        /** Tick the first row of a list, for the buttons that are shown then. */
        async tick() {
            const box = document.querySelector(".o_data_row .o_list_record_selector input");
            box?.click();
            await calm();
            return Boolean(box);
        },
    };
})();
