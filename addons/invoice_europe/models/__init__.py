from . import (
    account_chart_template,
    account_edi_xml_cii,
    account_move,
    account_move_line,
    account_move_send,
    payment_transaction,
    product_template,
    res_company,
    res_config_settings,
    res_partner,
    revenue_deferral,
    vat_evidence,
)
