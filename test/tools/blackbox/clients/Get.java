import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

class Get {
  public static void main(String[] args) throws Exception {
    var client = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.ALWAYS).build();
    var request = HttpRequest.newBuilder(URI.create(args[0]));
    if (args.length > 1) request.header("Authorization", args[1]);
    var response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    System.out.print(response.body());
    System.exit(response.statusCode() == 200 ? 0 : 1);
  }
}
