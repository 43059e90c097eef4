import { Component, onMounted, onWillStart, onWillUnmount, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { formatCurrency } from "@web/core/currency";
import { getColor } from "@web/core/colors/colors";
import { cookie } from "@web/core/browser/cookie";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { formatInteger } from "@web/views/fields/formatters";

/** First page of the Credits app: figures that open the lists behind them. */
export class CreditOverview extends Component {
    static template = "credit_wallet.Overview";
    static components = { Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.canvas = useRef("canvas");
        this.formatInteger = formatInteger;
        onWillStart(async () => {
            [this.overview] = await Promise.all([
                this.orm.call("credit.overview", "get_overview", []),
                loadBundle("web.chartjs_lib"),
            ]);
        });
        onMounted(() => this.canvas.el && this.drawChart());
        onWillUnmount(() => this.chart?.destroy());
    }

    get display() {
        return { controlPanel: {} };
    }

    get isEmpty() {
        return !this.overview.outstanding.credits && !this.overview.used.credits;
    }

    formatMoney(value) {
        return formatCurrency(value, this.overview.currency_id);
    }

    open(xmlId, domain) {
        return this.action.doAction(`credit_wallet.${xmlId}`, {
            additionalContext: { search_default_open: 0 },
            props: { domain },
        });
    }

    openCustomer(customer) {
        return this.open("credit_entry_action", [
            ...this.overview.used.domain,
            ["partner_id", "=", customer.id],
        ]);
    }

    drawChart() {
        const months = this.overview.used.months;
        this.chart = new Chart(this.canvas.el, {
            type: "bar",
            data: {
                labels: months.map((month) => month.label),
                datasets: [
                    {
                        data: months.map((month) => month.credits),
                        backgroundColor: getColor(1, cookie.get("color_scheme")),
                        borderRadius: 4,
                    },
                ],
            },
            options: {
                maintainAspectRatio: false,
                plugins: { legend: { display: false } },
                scales: {
                    x: { grid: { display: false } },
                    y: { beginAtZero: true, ticks: { precision: 0 } },
                },
            },
        });
    }
}

registry.category("actions").add("credit_wallet.overview", CreditOverview);
