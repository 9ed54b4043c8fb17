"""Kafka: one node that is broker and controller (KRaft), for one machine."""

from pathlib import Path

from native import ports
from native.layout import Layout
from native.programs import Program
from native.shell import run

HEAP = ("-Xms256m", "-Xmx512m")
JVM = ("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:+ExitOnOutOfMemoryError")
CLUSTER_ID = "VG9jc2luLW5hdGl2ZS0wMA"
RECORD_LIMIT = 8 * 1024 * 1024

PROPERTIES = """\
# Written by setup.sh.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={data}/log
# Topics come from the provisioning step alone.
auto.create.topics.enable=false
message.max.bytes={limit}
replica.fetch.max.bytes={limit}
# One node: one copy, no waiting for others, few internal partitions.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# A killed broker may come back only when its old session has expired.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
num.io.threads=4
num.network.threads=2
log.cleaner.dedupe.buffer.size=33554432
log.retention.check.interval.ms=60000
"""

LOGGING = """\
Configuration:
  Appenders:
    Console:
      name: STDOUT
      PatternLayout: {pattern: "[%d] %p %m (%c)%n"}
  Loggers:
    Root:
      level: LEVEL
      AppenderRef: {ref: STDOUT}
"""

TOOLS = {
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
}

TOOL = """\
#!/bin/sh
# Written by setup.sh: {name} against the stack's broker, unless another is named.
case " $* " in *" --bootstrap-server"*) ;; *) set -- --bootstrap-server {host}:{port} "$@" ;; esac
exec java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \\
  -Dlog4j2.configurationFile={state}/app/kafka-tools-log4j2.yaml \\
  -cp '{jars}/*' {main} "$@"
"""


def program(layout: Layout, jars: Path) -> Program:
    """Write Kafka's configuration, format its storage on first use, and describe the process."""
    port, controller = ports.read("TOCSIN_KAFKA_PORT"), ports.read("TOCSIN_KAFKA_CONTROLLER_PORT")
    data = layout.data("kafka")
    properties = layout.state / "config" / "kafka.properties"
    text = PROPERTIES.format(
        host=ports.HOST,
        port=port.number,
        controller=controller.number,
        data=data,
        limit=RECORD_LIMIT,
    )
    layout.write(properties, text)
    logging = layout.state / "config" / "kafka-log4j2.yaml"
    layout.write(logging, LOGGING.replace("LEVEL", "INFO"))
    _write_tools(layout, jars, port.number)
    java = ("java", f"-Dlog4j2.configurationFile={logging}", "-cp", f"{jars}/*")
    if not (data / "log" / "meta.properties").exists():
        short_lived = (java[0], "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *java[1:])
        format_storage = [
            *short_lived,
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            CLUSTER_ID,
        ]
        run(
            [*format_storage, "--config", properties],
            failure="Kafka's storage could not be formatted",
            log=layout.setup_log,
            account=layout.account,
        )
    return Program(
        name="kafka",
        command=(java[0], *HEAP, *JVM, *java[1:], "kafka.Kafka", properties),
        directory=data,
        content=text,
        stop_seconds=40,
    )


def _write_tools(layout: Layout, jars: Path, port: int) -> None:
    logging = layout.app / "kafka-tools-log4j2.yaml"
    layout.write(logging, LOGGING.replace("LEVEL", "WARN"), mode=0o644)
    for name, main in TOOLS.items():
        text = TOOL.format(
            name=name, main=main, jars=jars, port=port, host=ports.HOST, state=layout.state
        )
        layout.write(layout.bin / name, text, mode=0o755)
