import { Component, onMounted, onWillUnmount, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

/** Dialog that makes the PDFs a download still lacks, some at a time, and then downloads it. */
export class InvoiceDownload extends Component {
    static template = "legal_invoice.Download";
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.state = useState({ made: 0, total: 0, error: "" });
        onMounted(() => this.run());
        onWillUnmount(() => (this.isClosed = true));
    }

    get percent() {
        return this.state.total ? Math.round((100 * this.state.made) / this.state.total) : 0;
    }

    get text() {
        const { made, total } = this.state;
        return total
            ? _t("PDFs ready: %(made)s of %(total)s", { made, total })
            : _t("Making the PDFs that are not there yet…");
    }

    async run() {
        const ids = [this.props.action.params.download_id];
        let url = false;
        while (!this.isClosed && !url) {
            try {
                const step = await this.orm.call("legal.invoice.download", "make_some", [ids]);
                Object.assign(this.state, { made: step.made, total: step.total });
                url = step.url;
            } catch (error) {
                this.state.error = error.data?.message || error.message;
                return;
            }
        }
        if (url) {
            await this.action.doAction({ type: "ir.actions.act_url", target: "download", url });
            this.close();
        }
    }

    close() {
        this.action.doAction({ type: "ir.actions.act_window_close" });
    }
}

registry.category("actions").add("legal_invoice_download", InvoiceDownload);
