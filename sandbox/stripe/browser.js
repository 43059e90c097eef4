/* What https://js.stripe.com/v3/ does for a payment form, for browsers of tests that cannot reach
 * it: the Payment Element with three fields, the confirmation of an intent, the bank's question.
 * Served with API_URL set to the payment server's address.
 */
(() => {
    const FIELDS = {
        number: ["Numéro de carte", "cc-number"],
        expiry: ["Expiration (MM/AA)", "cc-exp"],
        cvc: ["Code de sécurité", "cc-csc"],
    };

    async function post(path, form) {
        const answer = await fetch(`${API_URL}/v1/${path}`, {
            method: "POST", body: new URLSearchParams(form),
        });
        return answer.json();
    }

    function input(name) {
        const label = document.createElement("label");
        const field = document.createElement("input");
        [label.textContent, field.autocomplete] = FIELDS[name];
        label.className = "form-label d-block";
        field.className = "form-control";
        field.dataset.stripe = name;
        field.inputMode = "numeric";
        label.append(field);
        return label;
    }

    class PaymentElement {
        constructor() {
            this.listeners = {};
        }
        on(name, listener) {
            this.listeners[name] = listener;
            return this;
        }
        mount(place) {
            this.place = typeof place === "string" ? document.querySelector(place) : place;
            this.place.replaceChildren(...Object.keys(FIELDS).map(input));
            this.listeners.ready?.();
        }
        value(name) {
            return this.place.querySelector(`[data-stripe=${name}]`).value.replaceAll(" ", "");
        }
        get card() {
            const [month, year] = this.value("expiry").split("/");
            return {
                "card[number]": this.value("number"), "card[cvc]": this.value("cvc"),
                "card[exp_month]": month, "card[exp_year]": `20${year}`,
            };
        }
        get complete() {
            return this.value("number").length >= 13 && /^\d\d\/\d\d$/.test(this.value("expiry"))
                && this.value("cvc").length >= 3;
        }
    }

    class Elements {
        constructor(options) {
            this.options = options;
        }
        create() {
            this.element = new PaymentElement();
            return this.element;
        }
        update(options) {
            Object.assign(this.options, options);
        }
        async submit() {
            if (!this.element.complete) {
                throw new Error("Votre numéro de carte est incomplet.");
            }
            return {};
        }
    }

    /** The bank's page: resolves to what its visitor answered. */
    function askHolder() {
        const dialog = document.createElement("dialog");
        dialog.setAttribute("aria-label", "3D Secure");
        const answers = {Authentifier: true, Refuser: false};
        return new Promise((resolve) => {
            for (const [text, success] of Object.entries(answers)) {
                const button = document.createElement("button");
                button.textContent = text;
                button.addEventListener("click", () => {
                    dialog.remove();
                    resolve(success);
                });
                dialog.append(button);
            }
            document.body.append(dialog);
            dialog.showModal();
        });
    }

    async function confirm(key, kind, {elements, clientSecret, confirmParams}) {
        const secret = {key, client_secret: clientSecret};
        const path = `${kind}s/${clientSecret.split("_secret_")[0]}`;
        const method = await post("payment_methods", {key, type: "card", ...elements.element.card});
        if (method.error) {
            return method;
        }
        let intent = await post(`${path}/confirm`, {
            ...secret, payment_method: method.id,
            ...(kind === "payment_intent" && elements.options.setupFutureUsage
                ? {setup_future_usage: elements.options.setupFutureUsage} : {}),
        });
        if (intent.status === "requires_action") {
            intent = await post(`${path}/_authenticate`, {...secret, success: await askHolder()});
        }
        const error = intent.error || intent.last_payment_error || intent.last_setup_error;
        if (error) {
            return {error};
        }
        const target = new URL(confirmParams.return_url);
        target.searchParams.set(kind, intent.id);
        target.searchParams.set(`${kind}_client_secret`, clientSecret);
        target.searchParams.set("redirect_status", "succeeded");
        window.location = target;
        return new Promise(() => {}); // the page is left
    }

    window.Stripe = (key) => ({
        elements: (options = {}) => new Elements(options),
        confirmPayment: (options) => confirm(key, "payment_intent", options),
        confirmSetup: (options) => confirm(key, "setup_intent", options),
    });
})();
