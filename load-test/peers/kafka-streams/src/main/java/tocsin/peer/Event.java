package tocsin.peer;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;

/** One log event, as databind fills it; only what the rules read. */
@JsonIgnoreProperties(ignoreUnknown = true)
public final class Event {
  public long timestamp;
  public String service;
  public String level = "";
  public String message;
  public String host;
  public int statusCode = Rule.NO_STATUS;
}
