import java.time.Duration;
import java.util.List;
import java.util.Properties;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Prints each account whose band got worse.
 *
 * <pre>java -cp 'kafka-clients.jar:jackson-databind.jar:...' HealthAlerts.java localhost:9092 [TOPIC]</pre>
 *
 * Delivery is at least once: an offset is committed after its change has been handled. To handle each change once, store the highest
 * {@code sequence} per account and skip what is not above it.
 */
public final class HealthAlerts {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Replace this: create a task in the CRM, send a message, write a row. */
    private static void handle(JsonNode change) {
        JsonNode health = change.get("health");
        String reason = change.get("drivers").isEmpty() ? "no reason given" : change.get("drivers").get(0).asText();
        System.out.printf("%s: %s -> %s: %s%n", change.get("account_id").asText(), health.get("previous_band").asText(),
            health.get("band").asText(), reason);
    }

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", arguments[0]);
        properties.put("group.id", "health-alerts");
        // Changes of transactions that were aborted must not be seen.
        properties.put("isolation.level", "read_committed");
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        String topic = arguments.length > 1 ? arguments[1] : "account-health";

        try (KafkaConsumer<String, byte[]> consumer =
                new KafkaConsumer<>(properties, new StringDeserializer(), new ByteArrayDeserializer())) {
            Thread main = Thread.currentThread();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                consumer.wakeup();
                try {
                    main.join(5_000);
                } catch (InterruptedException ignored) {
                    Thread.currentThread().interrupt();
                }
            }));
            consumer.subscribe(List.of(topic));
            while (true) {
                for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    // The value of a deleted account is null.
                    if (record.value() != null && record.headers().lastHeader("churnwatch_band_dropped") != null) {
                        handle(JSON.readTree(record.value()));
                    }
                }
                consumer.commitSync();
            }
        } catch (WakeupException stopped) {
            // Shutting down.
        }
    }
}
