-- The tables of the input. Watermarks come from the source: it knows how far event times are out of order.
CREATE TEMPORARY TABLE events (
  `key` BIGINT, `value` BIGINT, event_time TIMESTAMP(3), seq BIGINT,
  WATERMARK FOR event_time AS SOURCE_WATERMARK()
) WITH ('connector' = 'replay', 'table' = 'only');

CREATE TEMPORARY TABLE person (
  id BIGINT, name STRING, email_address STRING, credit_card STRING, city STRING, state STRING, date_time TIMESTAMP(3), extra STRING,
  WATERMARK FOR date_time AS SOURCE_WATERMARK()
) WITH ('connector' = 'replay', 'table' = 'person');

CREATE TEMPORARY TABLE auction (
  id BIGINT, item_name STRING, description STRING, initial_bid BIGINT, reserve BIGINT, date_time TIMESTAMP(3), expires TIMESTAMP(3),
  seller BIGINT, category BIGINT, extra STRING,
  WATERMARK FOR date_time AS SOURCE_WATERMARK()
) WITH ('connector' = 'replay', 'table' = 'auction');

CREATE TEMPORARY TABLE bid (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, date_time TIMESTAMP(3), extra STRING,
  WATERMARK FOR date_time AS SOURCE_WATERMARK()
) WITH ('connector' = 'replay', 'table' = 'bid');

CREATE TEMPORARY TABLE flight (
  scheduled TIMESTAMP(3), delay BIGINT, origin STRING,
  WATERMARK FOR scheduled AS SOURCE_WATERMARK()
) WITH ('connector' = 'replay', 'table' = 'flight');
