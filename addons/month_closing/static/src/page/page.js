import { Component, onWillStart, useState } from "@odoo/owl";
import { formatCurrency } from "@web/core/currency";
import { _t } from "@web/core/l10n/translation";
import { router } from "@web/core/browser/router";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { formatFloat, formatInteger } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

const FEW_ROWS = 14; // of a table that is open from the start

const ICONS = {
    ok: "fa-check-circle",
    todo: "fa-clock-o",
    wrong: "fa-exclamation-circle",
    info: "fa-info-circle",
};

/** « Clôture du mois »: what is to be done and what agrees, month by month. */
export class MonthClosingPage extends Component {
    static template = "month_closing.Page";
    static components = { Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.icons = ICONS;
        this.labels = {
            ok: _t("Agrees"),
            todo: _t("To do"),
            wrong: _t("Wrong"),
            info: _t("For information"),
        };
        this.state = useState({ page: null });
        useSetupAction({ getLocalState: () => ({ month: this.state.page?.month }) });
        onWillStart(() => this.load(this.props.state?.month || router.current.month));
    }

    get display() {
        return { controlPanel: {} };
    }

    get hasLocks() {
        return this.page.locks.some((lock) => lock.date);
    }

    get page() {
        return this.state.page;
    }

    async load(month) {
        this.state.page = await this.orm.call("month.closing", "get_page", [month || null]);
        this.props.updateActionState?.({ month: this.page.month });
    }

    isOpen(table) {
        return table.rows.length <= FEW_ROWS;
    }

    show(column, value) {
        if (value === null || value === "") {
            return "";
        }
        switch (column.kind) {
            case "money":
                return this.money(value);
            case "whole":
                return formatInteger(value);
            case "rate":
                return `${formatFloat(value, { digits: [16, 2], trailingZeros: false })} %`;
            default:
                return value;
        }
    }

    money(value) {
        return formatCurrency(value, this.page.currency_id);
    }

    count(value) {
        return formatInteger(value);
    }

    open(action) {
        return this.action.doAction(action);
    }

    scrollTo(key) {
        document.getElementById(`closing-${key}`)?.scrollIntoView({ behavior: "smooth" });
    }

    export(extension, section) {
        const { company_id, month } = this.page;
        const path = section ? `${month}/${section}` : month;
        return this.action.doAction({
            type: "ir.actions.act_url",
            target: "self",
            url: `/month-closing/${company_id}/${path}.${extension}`,
        });
    }

    /** Run a method of the page that returns an action, and look again when its dialog closes. */
    async run(method, ...args) {
        const action = await this.orm.call("month.closing", method, args);
        const month = this.page.month;
        return this.action.doAction(action, { onClose: () => this.load(month) });
    }
}

registry.category("actions").add("month_closing.page", MonthClosingPage);
