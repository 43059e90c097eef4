"""What a database is made of beside what its users entered, to compare before and after.

Objects of the schema, and the rows of Odoo's tables that describe the program rather than the
business: an addon that was there and is gone leaves all of them as they were. Rows of the
business that stay are counted, so that they can be told.
"""

import contextlib
import re

import psycopg2

SCHEMA = {
    "table": """
        SELECT relname FROM pg_class
         WHERE relkind IN ('r', 'v', 'm', 'p') AND relnamespace = 'public'::regnamespace""",
    "column": """
        SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
               || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relkind IN ('r', 'v', 'm', 'p') AND c.relnamespace = 'public'::regnamespace
           AND a.attnum > 0 AND NOT a.attisdropped""",
    "index": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraint": """
        SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "SQL function": """
        SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace""",
    "trigger": """
        SELECT tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE NOT tgisinternal""",
    "SQL sequence": """
        SELECT relname FROM pg_class
         WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace""",
    "extension": "SELECT extname FROM pg_extension",
}
# Odoo's tables that describe the program; what of a row tells which it is, and how it is set.
ROWS = {
    "ir_act_client": "name->>'en_US'",
    "ir_act_report_xml": "report_name",
    "ir_act_server": "name->>'en_US'",
    "ir_act_url": "name->>'en_US'",
    "ir_act_window": "name->>'en_US' || ' of ' || res_model",
    "ir_asset": "path || ' ' || active",
    "ir_config_parameter": "key || ' = ' || value",
    "ir_cron": "cron_name || ' ' || active",
    "ir_default": "field_id || ' = ' || json_value",
    "ir_embedded_actions": "name->>'en_US'",
    "ir_exports": "name",
    "ir_filters": "name || ' of ' || model_id",
    "ir_model": "model",
    "ir_model_access": "name",
    "ir_model_fields": "model || '.' || name || ' ' || ttype",
    "ir_model_fields_selection": "field_id || ' ' || value",
    "ir_model_relation": "name",
    "ir_module_category": "name->>'en_US'",
    "ir_module_module": "CASE WHEN state <> 'uninstalled' THEN name || ' ' || state END",
    "ir_rule": "name",
    "ir_sequence": "name || ' ' || COALESCE(code, '')",
    "ir_ui_menu": "name->>'en_US'",
    "ir_ui_view": "COALESCE(key, name) || ' ' || active",
    "mail_activity_type": "name->>'en_US'",
    "mail_message_subtype": "name->>'en_US'",
    "mail_template": "name->>'en_US'",
    "report_paperformat": "name",
    "res_company": "'checks VIES: ' || COALESCE(vat_check_vies, FALSE)",
    "res_groups": "name->>'en_US'",
    "res_groups_privilege": "name->>'en_US'",
    "website_menu": "url || ' ' || COALESCE(website_id, 0)",
    "website_page": "url",
}
# Columns that name a model, which no foreign key watches.
MODEL_NAMES = (
    ("ir_attachment", "res_model"), ("mail_activity", "res_model"),
    ("mail_followers", "res_model"), ("mail_message", "model"), ("rating_rating", "res_model"))
# Rows that a customer could buy, or that would be proposed.
OFFERS = {"account_fiscal_position": "active", "account_tax": "active",
          "event_event": "active AND is_published",
          "product_template": "active AND is_published AND service_tracking = 'no'"}
# Rows that come and go by themselves, and those that are part of others.
UNTOLD = re.compile(
    r"^(base_|bus_|ir_|mail_|discuss_|digest_|sms_|iap_|onboarding_|orm_|res_device|res_users_log"
    r"|web_|website_visitor|website_track|link_tracker)|__|_(line|reconcile|product|rel|tag)$")


class Snapshot:
    """The state of a database at one moment."""

    def __init__(self, database):
        self.database = database
        tables = {table for (table,) in self._rows(SCHEMA["table"])}
        self.facts = {
            **{kind: {row for (row,) in self._rows(query)} for kind, query in SCHEMA.items()},
            **{table: set(self._rows(
                f"SELECT id, label FROM (SELECT id, {label} AS label FROM {table}) labelled"
                " WHERE label IS NOT NULL"))
               for table, label in ROWS.items() if table in tables}}
        self.counts = dict(self._rows(" UNION ALL ".join(
            f"SELECT '{table}', COUNT(*) FROM \"{table}\""
            for table in tables - set(ROWS) if not UNTOLD.search(table))))
        self.offers = {
            (table, *row) for table, condition in OFFERS.items() if table in tables
            for row in self._rows(f"SELECT id, name->>'en_US' FROM {table} WHERE {condition}")}
        self.delivered = {product for (product,) in self._rows(
            "SELECT id FROM product_template WHERE service_tracking <> 'no'")}
        self.dialogs = {table for (table,) in self._rows(
            "SELECT replace(model, '.', '_') FROM ir_model WHERE transient")}
        self.documents = set(self._rows("""
            SELECT move.name, move.state, move.payment_state, move.amount_total,
                   move.amount_residual, COUNT(line.id), SUM(line.debit)
              FROM account_move move JOIN account_move_line line ON line.move_id = move.id
             WHERE move.state = 'posted' GROUP BY move.id"""))

    def _rows(self, query):
        with contextlib.closing(psycopg2.connect(dbname=self.database)) as connection, \
                connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def leftovers(self, before):
        """List what was not there before, and what was and is no more: both should be empty.

        :return: list of str
        """
        found = []
        for kind, facts in self.facts.items():
            found += [f"left: {kind} {_label(fact)}" for fact in facts - before.facts[kind]]
            found += [f"gone: {kind} {_label(fact)}" for fact in before.facts[kind] - facts]
        found += [f"gone: {-count} rows of {table}"
                  for table, count in self.kept(before).items() if count < 0]
        found += [f"offered: {table} {name}" for table, _id, name in self.offers - before.offers]
        return sorted(found) + self._unknown_values() + self._unknown_models()

    def _unknown_values(self):
        """Find selection fields of Odoo's tables that hold what nothing offers any more."""
        fields = self._rows("""
            SELECT replace(f.model, '.', '_'), f.name, array_agg(s.value)
              FROM ir_model_fields f JOIN ir_model_fields_selection s ON s.field_id = f.id
              JOIN pg_class c ON c.relname = replace(f.model, '.', '_') AND c.relkind = 'r'
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = f.name
             WHERE f.store AND f.ttype = 'selection' AND a.atttypid = 'varchar'::regtype
             GROUP BY f.id""")
        found = self._rows(" UNION ALL ".join(
            f"SELECT '{table}.{name}', ARRAY(SELECT DISTINCT \"{name}\"::text FROM \"{table}\")"
            for table, name, _known in fields))
        known = {f"{table}.{name}": {None, *values} for table, name, values in fields}
        return [f"left: value {value} of {field}" for field, values in found
                for value in set(values) - known[field]]

    def withdrawn(self, used):
        """List what was delivered and is no more, and whoever keeps the products was not told.

        :param used: the snapshot before the uninstallation
        :return: list of str
        """
        gone = sorted(used.delivered - self.delivered) or [0]
        return [f"offered or untold: {name}" for (name,) in self._rows(f"""
            SELECT name->>'en_US' FROM product_template AS product
             WHERE id IN ({', '.join(map(str, gone))}) AND active AND (is_published OR NOT EXISTS (
                   SELECT FROM mail_activity WHERE res_model = 'product.template'
                      AND res_id = product.id))""")]

    def _unknown_models(self):
        return [
            f"left: {table} of {model}"
            for table, column in MODEL_NAMES
            for (model,) in self._rows(
                f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL"
                f" AND {column} NOT IN (SELECT model FROM ir_model)")]

    def tables_since(self, before):
        """Return the tables that came since, but for those of dialogs.

        :return: dict of their counts
        """
        return {table: self.counts[table]
                for table in sorted(set(self.counts) - set(before.counts) - self.dialogs)}

    def kept(self, before):
        """Count the rows of the business that came since, by table.

        :return: dict of int; below zero where rows of before are gone
        """
        return {table: count - before.counts[table]
                for table, count in sorted(self.counts.items())
                if count != before.counts.get(table, count) and table not in self.dialogs}


def _label(fact):
    return fact if isinstance(fact, str) else fact[1]
