FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends default-jre-headless && rm -rf /var/lib/apt/lists/*
COPY libs /opt/kafka/libs
COPY bin /opt/kafka/bin
RUN useradd --uid 1000 kafka && chmod 0755 /opt/kafka/bin/*
USER 1000
WORKDIR /tmp
EXPOSE 9092
