"""The nightly run as a DAG of Airflow 3: ingestion, linkage, drafts, each by its own Unix user.

The worker's user needs sudo for these three commands as these two users, and for nothing else. Exits 3 and 10 of the
ingestion (rows in quarantine, a source left out) count as done; the textfile and `minster runs` tell.
"""

import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

CONFIG = "/etc/minster/pipeline.toml"

with DAG(
    dag_id="minster",
    schedule="0 2 * * *",
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),
    catchup=False,
    # The store's lock refuses a second run (exit 8); do not even start one.
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": datetime.timedelta(minutes=15)},
) as dag:
    ingest = BashOperator(
        task_id="ingest",
        bash_command=(
            f"sudo -n -u minster-ingest minster-ingest run --config {CONFIG} --log json; "
            "code=$?; [ $code -eq 3 ] || [ $code -eq 10 ] && exit 0; exit $code"
        ),
    )
    link = BashOperator(
        task_id="link", bash_command=f"sudo -n -u minster minster link --config {CONFIG}"
    )
    draft = BashOperator(
        task_id="draft", bash_command=f"sudo -n -u minster minster aggregate --config {CONFIG}"
    )
    ingest >> link >> draft
